/** A room with history: its events are the same wherever they are computed, so that an attacker can name them. */
import { cp } from 'node:fs/promises';
import { type Environment, type WriterId, writerIdFromBytes } from '@gossip-log/core';
import { ReplicatedLog } from '@gossip-log/core/sync';
import { lmdbStorage } from '@gossip-log/storage/lmdb';
import { createGossipNode, systemEnvironment } from '@gossip-log/transport';
import { blockOf, type Row } from '../../packages/core/test/sample-blocks.js';

export interface RoomSize {
  readonly events: number;
  readonly writers: number;
}

/** Steps of a hybrid time in a millisecond. */
export const stepsPerMs = 2048;
/** Over which the history lies. */
const spanMs = 30 * 24 * 60 * 60_000;
const blockRows = 1024;

export class Room {
  readonly log = 'history';
  readonly events: number;
  readonly writers: number;

  constructor({ events, writers }: RoomSize) {
    this.events = events;
    this.writers = writers;
  }

  /** Writers take turns. */
  writerOf(index: number): WriterId {
    const number = index % this.writers;
    return writerIdFromBytes(Uint8Array.from({ length: 16 }, (_, i) => (i < 4 ? (number >> (8 * i)) & 255 : 0xa7)));
  }

  seqOf(index: number): number {
    return Math.floor(index / this.writers) + 1;
  }

  /** Hybrid time. The last event is some days old. */
  timeOf(index: number): number {
    return (1_700_000_000_000 + Math.floor((index * spanMs) / this.events)) * stepsPerMs;
  }

  *blocks(): Generator<Uint8Array> {
    let rows: Row[] = [];
    for (let i = 0; i < this.events; i++) {
      const before = i < this.writers ? {} : { before: this.timeOf(i - this.writers) };
      const payload = `{"text":"what was said as number ${i}, in about fifty characters"}`;
      rows.push({ writer: this.writerOf(i), seq: this.seqOf(i), time: this.timeOf(i), ...before, payload });
      if (rows.length < blockRows && i < this.events - 1) continue;
      yield blockOf(rows);
      rows = [];
    }
  }

  /** Writes the room into a relay's folder, packed, as a relay leaves it. */
  async store(folder: string): Promise<void> {
    const storage = lmdbStorage({ path: folder });
    const replica = new ReplicatedLog(
      { id: this.log, writer: this.writerOf(0), now: () => Date.now() },
      { freshWriter: () => this.writerOf(0) },
    );
    const { entries } = replica.receive([...this.blocks()]);
    await storage.commit(this.log, entries, { durability: 'relaxed' });
    const node = createGossipNode({ storage, environment: hasty });
    const handle = node.open(this.log);
    await handle.ready;
    await new Promise<void>((resolve) => {
      handle.subscribe(() => handle.status === 'closed' && resolve());
      handle.release();
    });
    await node.close();
  }
}

/** A log that is released closes at once, once it is packed. */
const hasty: Environment = {
  ...systemEnvironment,
  setTimer: (_ms, callback) => systemEnvironment.setTimer(0, callback),
};

/** Rooms of one run: each is made once and copied for each relay. */
export class Rooms {
  readonly #folder: string;
  readonly #made = new Map<string, Promise<string>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async copy(size: RoomSize, to: string): Promise<void> {
    const name = `room-${size.events}-${size.writers}`;
    let made = this.#made.get(name);
    if (made === undefined) {
      const folder = `${this.#folder}/${name}`;
      made = new Room(size).store(folder).then(() => folder);
      this.#made.set(name, made);
    }
    await cp(await made, to, { recursive: true });
  }
}
