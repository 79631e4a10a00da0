/**
 * What the workloads work on: chat events from a seed, and encoded logs made of them. Made once for a run and read by
 * each process, so that making them warms nothing up.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { createGossipLog, type GossipLog, type ReplicaId, replicaIdFromBytes } from '@gossip-log/core';
import { ReplicatedLog } from '@gossip-log/core/sync';
import { mulberry32 } from '../../packages/core/test/message-generator.js';

/** One chat message: about fifty characters, and about a hundred bytes as JSON. */
export interface ChatEvent {
  readonly user: string;
  readonly text: string;
  /** Milliseconds since 1970; rises from event to event, by 1.5 s on average. */
  readonly at: number;
}

const seed = 20;
const users = ['ada', 'Björn', 'Chidi', 'דנה', 'Nguyễn', "O'Hara", 'ana_maria', 'zoe', 'k8', 'Ingrid'];
const words =
  'the a we it is not and then so maybe meeting tomorrow deploy branch review coffee lunch bug fixed "quoted" café über 👍 🎉 שלום ありがとう'.split(
    ' ',
  );

/** The first `count` events, always the same. Texts of 41 to 64 characters, 51 on average; of words, nearly one in four not ASCII. */
export function fixtureEvents(count: number): ChatEvent[] {
  const random = mulberry32(seed);
  const pick = (from: readonly string[]) => from[Math.floor(random() * from.length)] as string;
  let at = 1_700_000_000_000;
  return Array.from({ length: count }, () => {
    at += 1 + Math.floor(random() * 3_000);
    const length = 40 + random() * 16;
    let text = pick(words);
    while (text.length < length) text += ` ${pick(words)}`;
    return { user: pick(users), text, at };
  });
}

/** Bytes of all payloads, as the default codec writes them. */
export function payloadBytes(events: readonly ChatEvent[]): number {
  return events.reduce((sum, event) => sum + Buffer.byteLength(JSON.stringify(event)), 0);
}

/** Numbers of events, whole or scaled down for a smoke run. */
function counts(scale: number) {
  const scaled = (count: number) => Math.max(100, Math.round(count * scale));
  return {
    /** Append, merge, size, memory. */
    events: scaled(100_000),
    /** Size with thirty writers. */
    fewer: scaled(30_000),
    live: scaled(20_000),
    /** Random order. */
    updates: scaled(20_000),
    small: scaled(10_000),
    large: scaled(1_000_000),
  };
}

type FixtureName =
  | 'one-writer'
  | 'ten-writers'
  | 'thirty-writers'
  | 'apart'
  | 'apart-merged'
  | 'updates'
  | 'updates-nearly'
  | 'updates-merged';

/** The fixtures of one run, in a folder. */
export class Fixtures {
  readonly counts: ReturnType<typeof counts>;
  readonly #folder: string;

  constructor(folder: string, scale: number) {
    this.#folder = folder;
    this.counts = counts(scale);
  }

  /** Encoded logs, or blocks one after another. */
  read(name: FixtureName): Uint8Array[] {
    return deserialize(readFileSync(join(this.#folder, name)));
  }

  /** The single part of a fixture that has one. */
  readOne(name: FixtureName): Uint8Array {
    return this.read(name)[0] as Uint8Array;
  }

  make(): void {
    const { events, fewer, updates } = this.counts;
    const write = (name: FixtureName, parts: readonly Uint8Array[]) =>
      writeFileSync(join(this.#folder, name), serialize(parts));

    write('one-writer', [room(1, events).merged]);
    write('ten-writers', [room(10, events).merged]);
    write('thirty-writers', [room(30, fewer).merged]);

    // Ten logs whose writers never met: event i is by writer i % 10.
    const logs = Array.from({ length: 10 }, (_, writer) => newLog(writer));
    fixtureEvents(events).forEach((event, i) => {
      const { log, clock } = logs[i % 10] as SimulatedLog;
      clock.now = event.at;
      log.append(event);
    });
    const apart = logs.map(({ log }) => log.encode());
    write('apart', apart);
    // Merged the other way round than the workload does: the outcome must be the same (L1).
    const { log } = newLog(200);
    for (const bytes of apart.toReversed()) log.merge(bytes);
    write('apart-merged', [log.encode()]);

    const { blocks, merged } = room(5, updates);
    const random = mulberry32(seed);
    write('updates', shuffled(blocks, random));
    const nearly: Uint8Array[] = [];
    for (let from = 0; from < updates; from += 1_000)
      nearly.push(...shuffled(blocks.slice(from, from + 1_000), random));
    write('updates-nearly', nearly);
    write('updates-merged', [merged]);
  }
}

interface SimulatedLog {
  readonly log: GossipLog<ChatEvent>;
  /** What the log's clock says; late enough for everything unless set. */
  readonly clock: { now: number };
}

/** An empty log of that writer, with a clock that the caller sets. */
export function newLog(writer: number): SimulatedLog {
  const clock = { now: 2_000_000_000_000 };
  return { log: createGossipLog<ChatEvent>({ id: 'bench', replica: replicaOf(writer), now: () => clock.now }), clock };
}

/** The same as a node has it: it gives its own events out as blocks and takes others' blocks. */
export function newNodeLog(writer: number): { log: ReplicatedLog<ChatEvent>; clock: { now: number } } {
  const clock = { now: 2_000_000_000_000 };
  const options = { id: 'bench', replica: replicaOf(writer), now: () => clock.now };
  const journal = {
    freshReplica: (): never => {
      throw new Error('bench: no writer here has to give way');
    },
  };
  return { log: new ReplicatedLog<ChatEvent>(options, journal), clock };
}

function replicaOf(writer: number): ReplicaId {
  const random = mulberry32(1_000 + writer);
  return replicaIdFromBytes(Uint8Array.from({ length: 16 }, () => Math.floor(random() * 256)));
}

/**
 * A room in which `writers` talk, each event by one of them at random. Mostly its writer has seen all there is; one
 * event in five was written before the last one or two had come, so that heads fork and join as they do among people.
 * Gives every event as a block of its own, and the whole log encoded.
 */
function room(writers: number, count: number): { blocks: Uint8Array[]; merged: Uint8Array } {
  const random = mulberry32(seed + writers);
  const members = Array.from({ length: writers }, (_, writer) => ({ ...newNodeLog(writer), seen: 0 }));
  const blocks: Uint8Array[] = [];
  for (const [i, event] of fixtureEvents(count).entries()) {
    const member = members[Math.floor(random() * writers)] as (typeof members)[number];
    const { log, clock } = member;
    clock.now = event.at;
    const lag = random();
    const visible = i - (lag < 0.8 ? 0 : lag < 0.95 ? 1 : 2);
    if (visible > member.seen) {
      log.receive(blocks.slice(member.seen, visible));
      member.seen = visible;
    }
    log.append(event);
    for (const { block } of log.takeUnflushed()) blocks.push(block);
  }
  const { log } = newNodeLog(100);
  log.receive(blocks);
  return { blocks, merged: log.encode() };
}

/** In random order (Fisher and Yates), as a new array. */
function shuffled<V>(values: readonly V[], random: () => number): V[] {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as V, result[i] as V];
  }
  return result;
}
