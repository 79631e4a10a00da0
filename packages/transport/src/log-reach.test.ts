/** How far back a log reaches: who is asked for what lies below its edge, and when. */
import { type Run, type WriterId, writerIdFromBytes } from '@gossip-log/core';
import { ReplicatedLog } from '@gossip-log/core/sync';
import { memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import type { LogPeer } from './log-peer.js';
import { LogReach } from './log-reach.js';
import { systemEnvironment } from './system-environment.js';

const now = () => 1_700_000_000_000;
const ignore = () => undefined;

function logOf(byte: number): ReplicatedLog<unknown> {
  const writer: WriterId = writerIdFromBytes(new Uint8Array(16).fill(byte));
  return new ReplicatedLog<unknown>({ id: 'tea', writer, now }, { freshWriter: () => writer });
}

/** A peer that notes what it is asked for, and how often it is told of the log: to compare it (`describe`), or not (`tell`). */
function askedPeer() {
  const asked: Run[] = [];
  const told: string[] = [];
  const want = (_: string, runs: readonly Run[]) => void asked.push(...runs);
  const describe = () => void told.push('describe');
  const tell = () => void told.push('tell');
  const peer: LogPeer = {
    ...{ want, describe, tell, stored: ignore, dropped: ignore, redacted: ignore, failed: ignore },
    sendsUpTo: 0,
  };
  return { peer, asked, told };
}

function reachOf(log: ReplicatedLog<unknown>, peers: readonly LogPeer[]): LogReach {
  return new LogReach({
    isConnecting: () => false,
    ...{ id: 'tea', storage: memoryStorage(), environment: systemEnvironment, peers: new Set(peers) },
    ...{ catchUpEventsMax: () => Number.POSITIVE_INFINITY, log: () => log, now, onError: ignore },
    ...{ store: () => undefined, changed: () => undefined },
  });
}

test('[K4] what is found to be missing by an event that follows on it is asked for, too', () => {
  const [ada, bob, log] = [logOf(1), logOf(2), logOf(3)];
  const written = (writer: ReplicatedLog<unknown>) => {
    writer.append(1);
    return writer.takeUnflushed().map(({ block }) => block);
  };
  const { peer, asked } = askedPeer();
  const reach = reachOf(log, [peer]);
  const [first] = [written(ada), written(bob)];
  const [second, next] = [written(ada), written(bob)];
  log.raise(ada.snapshot().at(1)?.clock ?? 0);
  reach.opened(peer, { wanted: 0, complete: 0 });
  reach.received(log.receive(second));
  expect(asked).toEqual([{ writer: ada.writer, first: 1, last: 1 }]);
  reach.received(log.receive(next));
  expect(asked.slice(1)).toEqual([{ writer: bob.writer, first: 1, last: 1 }]);
  // What fills a gap, or follows on what is here, asks for nothing.
  reach.received(log.receive(first));
  reach.received(log.receive(written(ada)));
  expect(asked.length).toBe(2);
  expect(reach.hasGap).toBe(false);
});

test.each<[string, (reach: LogReach) => void]>([
  ['the window that is asked for', () => undefined],
  // What is on its way to the peer asks for the last events, and nobody does any more.
  ['a window of all, which the log reached by itself', (reach) => reach.deepen('all')],
])('what lies between the edge and the last events of a peer is compared as well: %s [S21] [L1]', (_, meanwhile) => {
  const log = logOf(1);
  for (let i = 0; i < 4; i++) log.append(i);
  const timeOf = (at: number) => log.snapshot().at(at)?.clock ?? 0;
  log.raise(timeOf(1));
  const { peer, told } = askedPeer();
  const reach = reachOf(log, [peer]);
  reach.opened(peer, { wanted: 0, complete: 0 });
  reach.deepen({ last: 100 });
  expect(reach.told(peer, undefined)).toEqual({ wanted: 0, complete: timeOf(1), last: 100 });
  meanwhile(reach);
  told.length = 0;
  reach.opened(peer, { wanted: 0, complete: 0, cut: timeOf(3) });
  expect(told).toEqual(['describe']);
  expect(reach.told(peer, undefined)).toEqual({ wanted: 0, complete: timeOf(1) });

  // Where nothing lies between, all of it was compared.
  told.length = 0;
  reach.opened(peer, { wanted: 0, complete: 0, cut: timeOf(1) });
  expect(told).not.toContain('describe');
});
