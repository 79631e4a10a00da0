/** A peer that speaks frames by hand, well or badly. */
import { once } from 'node:events';
import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { decodeMessage, encodeMessage, type Message } from '../../core/src/codec/message.js';
import type { Range } from '../../core/src/range.js';
import { blocksIn } from '../../core/test/sample-blocks.js';

export type ReceivedMessage = ReturnType<typeof decodeMessage>;

export const newWriter = () => writerIdFromBytes(crypto.getRandomValues(new Uint8Array(16)));

export class RawPeer {
  readonly received: ReceivedMessage[] = [];
  readonly closed: Promise<number>;
  readonly socket: WebSocket;
  #changed = new Set<() => void>();

  constructor(url: string, options: { readonly origin?: string } = {}) {
    this.socket = new WebSocket(url, { perMessageDeflate: false, ...options });
    this.socket.on('error', () => {});
    this.socket.on('message', (data: Buffer) => {
      this.received.push(decodeMessage(new Uint8Array(data)));
      for (const look of [...this.#changed]) look();
    });
    this.closed = new Promise((resolve) => this.socket.on('close', resolve));
    onTestFinished(() => this.socket.terminate());
  }

  /** Connects, and has said hello unless told otherwise. */
  static async connect(url: string, greet = true): Promise<RawPeer> {
    const peer = new RawPeer(url);
    await once(peer.socket, 'open');
    if (greet) peer.send({ kind: 'hello', node: newWriter(), name: 'by hand', durable: false, now: Date.now() });
    return peer;
  }

  send(message: Message): void {
    this.sendBytes(encodeMessage(message));
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.send(bytes);
  }

  /** Opens a log under a number of ours, saying what we have of it: nothing, unless told otherwise. */
  openLog(id: string, channel: number, ranges: readonly Range[] = [{ kind: 'runs', runs: [] }], token?: string): void {
    const descriptor = { id, policy: 'unsigned', codec: 'json' } as const;
    const turn = { comparison: channel, ranges };
    this.send({ kind: 'open', channel, descriptor, token, turn });
  }

  /** The first message of a kind that comes, or came, and satisfies `wanted`. */
  async message<Kind extends ReceivedMessage['kind']>(
    kind: Kind,
    wanted: (message: Extract<ReceivedMessage, { kind: Kind }>) => boolean = () => true,
  ): Promise<Extract<ReceivedMessage, { kind: Kind }>> {
    const isWanted = (message: ReceivedMessage): message is Extract<ReceivedMessage, { kind: Kind }> =>
      message.kind === kind && wanted(message as Extract<ReceivedMessage, { kind: Kind }>);
    for (;;) {
      const found = this.received.find(isWanted);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const look = () => {
          this.#changed.delete(look);
          resolve();
        };
        this.#changed.add(look);
      });
    }
  }
}

/** One event of a fresh writer, as one block. `ms` is its writer's clock. */
export function blockOf(log: string, payload: unknown, ms = Date.now()): Uint8Array {
  const writer = createGossipLog({ id: log, writer: newWriter(), now: () => ms });
  writer.append(payload);
  return blocksIn(writer)[0] as Uint8Array;
}
