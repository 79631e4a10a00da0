/**
 * Views over generated histories with late events, beside the naive computation, after every step. Chunks have four rows,
 * so that they are copied and split all the time.
 */
import { type GossipLog, type LogEvent, limits, type Snapshot } from '@gossip-log/core';
import type { View } from '@gossip-log/core/view';
import { dequal } from 'dequal';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { arbitraryHistory } from '../src/history.js';
import { playHistory } from '../src/play-history.js';
import { property } from './property.js';
import { type Message, message, type Probe, probes, shown } from './view-probes.js';

vi.mock('../../core/src/limits.js', async (original) => ({
  ...(await original<typeof import('../../core/src/limits.js')>()),
  chunkRowsMax: 4,
}));

const history = arbitraryHistory(message, { stepsMax: 80 });
/** Which probes look after a step: those whose bit is set. The others fall behind. */
const looks = fc.array(fc.nat(2 ** 24 - 1), { minLength: 1, maxLength: 20 });

/** One view that is followed: what it showed, and what its splices make of that. */
class Followed {
  readonly made: View<unknown>;
  seen: Snapshot<unknown>;
  mirror: LogEvent[] = [];

  constructor(readonly probe: Probe) {
    this.made = probe.made;
    this.seen = this.made.snapshot();
    this.mirror = this.seen.slice();
  }

  look(log: GossipLog<Message>): void {
    const { made, seen, mirror, probe } = this;
    const { name } = probe;
    const expected = probe.naive([...log.snapshot()]);
    const splices = made.changesSince(seen);
    for (const { at, removed, inserted } of splices) {
      const gone = mirror.splice(at, removed.length, ...inserted);
      must(gone.length === removed.length && gone.every((event, i) => event === removed[i]), `[V5] ${name}: removed`);
    }
    const now = made.snapshot();
    const events = [...now];
    must(now === made.snapshot(), `[V4] ${name}: one snapshot until it changes`);
    must((now === seen) === (splices.length === 0), `[V4] ${name}: a snapshot that did not change is the same object`);
    must(
      dequal(events.map(shown), expected),
      `[V1] ${name}: ${fc.stringify(events.map(shown))} is not ${fc.stringify(expected)}`,
    );
    must(events.length === mirror.length && events.every((event, i) => event === mirror[i]), `[V5] ${name}: splices`);
    must(
      events.every((event, i) => now.at(i) === event && now.indexOf(event) === i),
      `[V4] ${name}: positions`,
    );
    must(
      [...probe.calls.counts.values()].every((count) => count === 1),
      `[V3] ${name}: once per event and view`,
    );
    const before = new Map([...seen].map((event) => [event.id, event]));
    must(
      name === 'anonymize' || events.every((event) => (before.get(event.id) ?? event) === event),
      `[V4] ${name}: an event that did not change is the same object`,
    );
    this.seen = now;
  }
}

function must(holds: boolean, title: string): asserts holds {
  if (!holds) throw new Error(title);
}

test('[V1] [V3] [V4] [V5] every operator shows what the naive computation shows, after every step', () => {
  expect(limits.chunkRowsMax).toBe(4);
  const reached = { late: 0, rows: 0, behind: 0, anchored: 0 };
  property('[V1] [V3] [V4] [V5]', fc.tuple(history, looks, fc.nat(100)), 150, ([steps, masks, pick]) => {
    const followed = new Map<string, Followed[]>();
    let step = 0;
    const look = (name: string, log: GossipLog<Message>, all: boolean) => {
      const mask = masks[step++ % masks.length] as number;
      for (const [i, one] of (followed.get(name) ?? []).entries()) {
        if (all || (mask & (1 << (i % 24))) !== 0) one.look(log);
        else reached.behind++;
      }
    };
    const replicas = playHistory(steps, {
      opened: ({ name, log }) => {
        const anchor = log.snapshot().at(pick % Math.max(1, log.length));
        followed.set(
          name,
          probes(log, anchor).map((probe) => new Followed(probe)),
        );
        look(name, log, true);
      },
      changed: ({ name, log }, arrived) => {
        const [first] = arrived;
        if (first !== undefined && log.snapshot().at(-arrived.length) !== first) reached.late++;
        if (followed.get(name)?.length === 17 && log.length > 3) {
          const anchor = log.snapshot().at(pick % log.length) as LogEvent<Message>;
          followed.get(name)?.push(
            ...probes(log, anchor)
              .slice(17)
              .map((probe) => new Followed(probe)),
          );
          reached.anchored++;
        }
        look(name, log, false);
      },
    });
    for (const { name, log } of replicas) {
      look(name, log, true);
      reached.rows = Math.max(reached.rows, log.length);
    }
  });
  expect(reached.late).toBeGreaterThan(20);
  expect(reached.behind).toBeGreaterThan(100);
  expect(reached.anchored).toBeGreaterThan(20);
  expect(reached.rows).toBeGreaterThan(3 * limits.chunkRowsMax);
});
