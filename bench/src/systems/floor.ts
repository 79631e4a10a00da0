/** The floor: the same work by the plainest means there are, without any of the promises. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { WebSocket, WebSocketServer } from 'ws';
import { type ChatEvent, predicateOf } from '../events.js';
import type { Participant, Replica, System } from '../system.js';

const newline = 0x0a;
/** First byte of a frame with many events, of which a relay keeps those that came. */
const manyMark = 1;
/** Events of such a frame: 32 kB, the size of ours. */
const frameEvents = 300;

/** An array of JSON texts; bytes that come are copied, and parsed when read. */
class PlainArray implements Replica {
  readonly #lines: string[] = [];
  readonly #copies: Uint8Array[] = [];
  #taken = 0;

  append(event: ChatEvent): void {
    this.#lines.push(JSON.stringify(event));
  }

  receive(parts: readonly Uint8Array[]): void {
    for (const part of parts) this.#copies.push(new Uint8Array(part));
  }

  take(): Uint8Array[] {
    const lines = this.#lines.slice(this.#taken);
    this.#taken = this.#lines.length;
    return [Buffer.from(lines.map((line) => `${line}\n`).join(''))];
  }

  length(): number {
    let length = this.#lines.length;
    for (const bytes of this.#copies) for (const byte of bytes) if (byte === newline) length += 1;
    return length;
  }

  newest(count: number): ChatEvent[] {
    const events: ChatEvent[] = this.#lines.slice(-count).map((line) => JSON.parse(line));
    const older: ChatEvent[] = [];
    for (let i = this.#copies.length - 1; i >= 0 && events.length + older.length < count; i--) {
      const bytes = Buffer.from((this.#copies[i] as Uint8Array).buffer, 0, this.#copies[i]?.length);
      let end = bytes.length - 1;
      while (end > 0 && events.length + older.length < count) {
        const start = bytes.lastIndexOf(newline, end - 1) + 1;
        older.push(JSON.parse(bytes.toString('utf8', start, end)));
        end = start - 1;
      }
    }
    const newest = [...older.reverse(), ...events];
    // Read whole, it is put in order of time: that is all the order there is.
    return count < newest.length ? newest : newest.sort((a, b) => a.at - b.at);
  }
}

const file = (folder: string) => join(folder, 'events.jsonl');

export const floor: System = {
  name: 'floor',
  version: `Node ${process.versions.node}`,
  notes: {
    all: 'No replication, no order, no duplicates: an array with JSON.',
    merge: 'A copy in memory; JSON.parse of what is read.',
    'random-order': 'A copy of each; they are sorted by time when read.',
    'fan-out': 'ws alone: every frame to every socket.',
    million: 'ws alone: frames of JSON lines, from the memory of one process into that of another.',
    'idle-rooms': 'ws alone: a thousand sockets, and no rooms.',
    durable: 'LMDB puts, each synced to disk.',
    views: 'Array.filter, made anew for every read.',
  },
  lacks: { 'small-sync': 'nothing to sync by' },
  create: () => new PlainArray(),
  write(stints) {
    const line = (event: ChatEvent) => `${JSON.stringify(event)}\n`;
    const updates = stints.map(({ events }) => new Uint8Array(Buffer.from(events.map(line).join(''))));
    return { whole: [new Uint8Array(Buffer.concat(updates))], updates };
  },
  disk: {
    async store(folder, whole) {
      writeFileSync(file(folder), Buffer.concat(whole));
    },
    async open(folder) {
      const replica = new PlainArray();
      replica.receive([new Uint8Array(readFileSync(file(folder)))]);
      return replica;
    },
  },
  views(events) {
    const held = [...events];
    return {
      arrivals: (arriving) =>
        arriving.map((event) => () => {
          let place = held.length;
          while (place > 0 && (held[place - 1] as ChatEvent).at > event.at) place -= 1;
          held.splice(place, 0, event);
        }),
      follow: (filters) =>
        filters.map((filter) => {
          const passes = predicateOf(filter);
          const passing = () => held.filter(passes);
          return { length: () => passing().length, events: passing };
        }),
    };
  },
  live: {
    async startRelay() {
      const server = createServer();
      const sockets = new WebSocketServer({ server, perMessageDeflate: false });
      const kept: Buffer[] = [];
      sockets.on('connection', (from) => {
        for (const frame of kept) from.send(frame);
        from.on('message', (data: Buffer) => {
          if (data[0] === manyMark) {
            kept.push(data);
            return;
          }
          for (const to of sockets.clients) to.send(data, { binary: true });
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      return `ws://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    },
    async join(address): Promise<Participant> {
      const socket = new WebSocket(address, { perMessageDeflate: false });
      const events: ChatEvent[] = [];
      const frames: Buffer[] = [];
      let inFrames = 0;
      let changed = () => {};
      socket.on('message', (data: Buffer) => {
        if (data[0] === manyMark) {
          frames.push(data);
          inFrames += data.readUInt32BE(1);
        } else {
          events.push(JSON.parse(String(data)));
        }
        changed();
      });
      await new Promise((resolve) => socket.on('open', resolve));
      return {
        append: (event) => socket.send(Buffer.from(JSON.stringify(event))),
        async fill(more) {
          for (let from = 0; from < more.length; from += frameEvents) {
            const some = more.slice(from, from + frameEvents);
            const head = Buffer.of(manyMark, 0, 0, 0, 0);
            head.writeUInt32BE(some.length, 1);
            socket.send(Buffer.concat([head, Buffer.from(some.map((event) => JSON.stringify(event)).join('\n'))]));
          }
          while (socket.bufferedAmount > 0) await new Promise((resolve) => setTimeout(resolve));
        },
        length: () => inFrames + events.length,
        newest: (count) =>
          frames
            .slice(-count)
            .flatMap((frame) => frame.toString('utf8', 5).split('\n'))
            .map((line): ChatEvent => JSON.parse(line))
            .concat(events)
            .slice(-count),
        subscribe: (listener) => {
          changed = listener;
        },
        close: () => socket.close(),
      };
    },
    listen: (address, sockets, open) => open(address, sockets, []),
  },
};
