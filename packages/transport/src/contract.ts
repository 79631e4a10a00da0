/**
 * The contract of a connection: the rules N1 to N7 of core's connection port. Every implementation runs it.
 *
 * Frames are small and bounds low, so that meeting them costs little.
 */
import { type CloseReason, type ConnectionSource, errorCodes, type GossipErrorCode } from '@gossip-log/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RecordingHost } from './recording-host.js';

/** What an implementation gives to the suite: two joined sources that have not been started. */
export interface ContractSubject {
  readonly left: ConnectionSource;
  readonly right: ConnectionSource;
  /** From now on nothing that the left side sends reaches the right side's process. */
  stall(): void;
  /** Breaks the way between both, so that no goodbye passes. */
  cut(): void;
  /** Undoes `stall` and `cut`, and removes what the subject made beside the sources. Called before both are stopped. */
  release(): Promise<void> | void;
}

/** The bounds that both sources of a subject must be made with. */
export const contractBounds = { frameBytesMax: 64 * 1024, socketBufferBytesMax: 256 * 1024 };

const { frameBytesMax, socketBufferBytesMax } = contractBounds;
const reasonCodes = ['normal', ...(Object.keys(errorCodes) as GossipErrorCode[])] as const;

/** Declares the suite for one implementation. `connect` is called anew for every test. */
export function connectionContract(name: string, connect: () => ContractSubject | Promise<ContractSubject>): void {
  async function start(greet?: RecordingHost['greet']) {
    const subject = await connect();
    const left = new RecordingHost();
    const right = new RecordingHost();
    if (greet !== undefined) left.greet = greet;
    const stopRight = subject.right.start(right);
    const stopLeft = subject.left.start(left);
    onTestFinished(async () => {
      await subject.release();
      await Promise.all([stopLeft(), stopRight()]);
    });
    return { subject, left, right, stopLeft, stopRight, a: await left.first(), b: await right.first() };
  }

  describe(`connection contract: ${name}`, () => {
    test('[N1] frames arrive whole, in the order sent, once, both ways', async () => {
      const { left, right, a, b } = await start();
      // Lengths round the steps of a WebSocket's length field: 0, 125/126, 65535/65536.
      const lengths = [0, 1, 125, 126, 127, 4096, 65_535, frameBytesMax];
      for (const [i, length] of lengths.entries()) {
        a.connection.send(new Uint8Array(length).fill(i + 1));
        b.connection.send(new Uint8Array(length).fill(i + 101));
      }
      await right.until(() => b.frames.length >= lengths.length);
      await left.until(() => a.frames.length >= lengths.length);
      a.connection.close({ code: 'normal', message: '' });
      await right.ended();
      expect(b.frames).toEqual(lengths.map((length, i) => new Uint8Array(length).fill(i + 1)));
      expect(a.frames).toEqual(lengths.map((length, i) => new Uint8Array(length).fill(i + 101)));
    });

    test('[N1] a frame sent while the connection is announced arrives first', async () => {
      const { right, a, b } = await start((connection) => connection.send(Uint8Array.of(1)));
      a.connection.send(Uint8Array.of(2));
      await right.until(() => b.frames.length === 2);
      expect(b.frames).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
    });

    test('[N1] what was sent before `close` arrives before the end', async () => {
      const { right, a, b } = await start();
      for (let i = 0; i < 20; i++) a.connection.send(new Uint8Array(10_000).fill(i));
      a.connection.close({ code: 'normal', message: '' });
      await right.ended();
      expect(b.frames.map((frame) => frame[0])).toEqual(Array.from({ length: 20 }, (_, i) => i));
    });

    test('[N2] closed is told once to each side, whoever closes, and nothing follows', async () => {
      const { left, right, a, b } = await start();
      b.connection.send(Uint8Array.of(1));
      a.connection.close({ code: 'normal', message: 'one' });
      a.connection.close({ code: 'protocol', message: 'two' });
      b.connection.close({ code: 'protocol', message: 'three' });
      await left.ended();
      await right.ended();
      const frames = [a.frames.length, b.frames.length];
      for (const { connection } of [a, b]) {
        connection.send(Uint8Array.of(9));
        connection.close({ code: 'protocol', message: 'late' });
      }
      await new Promise((resolve) => setImmediate(resolve));
      expect([a.frames.length, b.frames.length]).toEqual(frames);
      expect([a.closed.length, b.closed.length]).toEqual([1, 1]);
      // Each had a reason of its own.
      expect(a.closed[0]).toEqual({ code: 'normal', message: 'one' });
      expect(b.closed[0]).toEqual({ code: 'protocol', message: 'three' });
    });

    test('[N2] no frame is told after this side closed', async () => {
      const { left, right, a, b } = await start();
      left.onFrame = (recorded) => recorded.connection.close({ code: 'normal', message: '' });
      for (let i = 0; i < 5; i++) b.connection.send(Uint8Array.of(i));
      await left.ended();
      await right.ended();
      expect(a.frames).toEqual([Uint8Array.of(0)]);
    });

    test('[N2] a broken way ends both sides with connection-lost', async () => {
      const { subject, left, right } = await start();
      subject.cut();
      expect((await left.ended()).code).toBe('connection-lost');
      expect((await right.ended()).code).toBe('connection-lost');
    });

    test.each(['left', 'right'] as const)(
      '[N3] a frame over the bound ends the connection, sent from the %s',
      async (from) => {
        const { left, right, a, b } = await start();
        const [sender, receiver] = from === 'left' ? [a, b] : [b, a];
        sender.connection.send(Uint8Array.of(1));
        sender.connection.send(new Uint8Array(frameBytesMax + 1));
        expect((await left.ended()).code).toBe('frame-too-large');
        expect((await right.ended()).code).toBe('frame-too-large');
        expect(receiver.frames).toEqual([Uint8Array.of(1)]);
      },
    );

    test('[N4] a peer that does not read is cut off with slow-reader', async () => {
      const { subject, left, a } = await start();
      subject.stall();
      // The system's own buffers fill first: some megabytes. Then ours grow to the bound, and no further.
      let sent = 0;
      let buffered = 0;
      while (a.closed.length === 0 && sent < 256 * 1024 * 1024) {
        a.connection.send(new Uint8Array(frameBytesMax));
        buffered = Math.max(buffered, a.connection.bufferedBytes);
        sent += frameBytesMax;
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect((await left.ended()).code).toBe('slow-reader');
      // One frame and its header may lie above.
      expect(buffered).toBeLessThanOrEqual(socketBufferBytesMax + frameBytesMax + 16);
    });

    test('[N4] a peer that keeps reading is not cut off, however much it is sent', async () => {
      const { right, a, b } = await start();
      for (let i = 1; i <= 64; i++) {
        a.connection.send(new Uint8Array(frameBytesMax));
        await right.until(() => b.frames.length === i);
      }
      expect(a.closed).toEqual([]);
      await new Promise((resolve) => setImmediate(resolve));
      expect(a.connection.bufferedBytes).toBe(0);
    });

    test('[N4] send and close after the end do nothing and throw nothing', async () => {
      const { left, right, a, b } = await start();
      a.connection.close({ code: 'normal', message: '' });
      await left.ended();
      await right.ended();
      for (const { connection } of [a, b]) {
        connection.send(new Uint8Array(frameBytesMax + 1));
        connection.close({ code: 'forbidden', message: '' });
      }
      expect([...a.closed, ...b.closed].map(({ code }) => code)).toEqual(['normal', 'normal']);
    });

    test.each(reasonCodes)('[N5] the reason %s reaches the peer', async (code) => {
      const { right, a } = await start();
      const reason: CloseReason = { code, message: `because of ${code} – ü` };
      a.connection.close(reason);
      const told = await right.ended();
      expect(told.code).toBe(code);
      // A lost connection is not told: there is nobody to tell.
      if (code !== 'connection-lost') expect(told.message).toBe(reason.message);
    });

    test('[N5] a message longer than the connection carries arrives cut, not lost', async () => {
      const { right, a } = await start();
      const message = '😀é'.repeat(200);
      a.connection.close({ code: 'protocol', message });
      const told = await right.ended();
      expect(told.code).toBe('protocol');
      expect(told.message.length).toBeGreaterThan(0);
      expect(message.startsWith(told.message)).toBe(true);
    });

    test('[N6] no handler runs inside `send` or `close`', async () => {
      const { left, right, a, b } = await start();
      const told = () => [a.frames.length, b.frames.length, a.closed.length, b.closed.length];
      a.connection.send(Uint8Array.of(1));
      b.connection.send(Uint8Array.of(2));
      expect(told()).toEqual([0, 0, 0, 0]);
      await right.until(() => b.frames.length === 1);
      await left.until(() => a.frames.length === 1);
      a.connection.close({ code: 'normal', message: '' });
      expect(told()).toEqual([1, 1, 0, 0]);
      await left.ended();
      await right.ended();
      expect(told()).toEqual([1, 1, 1, 1]);
    });

    test('[N7] one frame may be sent many times, and receivers may write into what they get', async () => {
      const { right, a, b } = await start();
      const frame = Uint8Array.of(1, 2, 3);
      const arrived: number[][] = [];
      right.onFrame = (_recorded, bytes) => {
        arrived.push([...bytes]);
        bytes.fill(0xff);
      };
      a.connection.send(frame);
      a.connection.send(frame);
      await right.until(() => b.frames.length === 2);
      expect(arrived).toEqual([
        [1, 2, 3],
        [1, 2, 3],
      ]);
      expect(frame).toEqual(Uint8Array.of(1, 2, 3));
    });

    test('[N2] stopping a source ends its connection, resolves once it is closed, and may be repeated', async () => {
      const { left, right, a, stopLeft } = await start();
      const first = stopLeft();
      await first;
      expect(a.closed.length).toBe(1);
      expect(left.lastStatus?.state).toBe('stopped');
      expect(['normal', 'node-closed']).toContain((await right.ended()).code);
      await stopLeft();
      expect(a.closed.length).toBe(1);
    });
  });
}
