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

/** A peer that notes what it is asked for. */
function askedPeer() {
  const asked: Run[] = [];
  const want = (_: string, runs: readonly Run[]) => void asked.push(...runs);
  const peer: LogPeer = {
    ...{ want, stored: ignore, describe: ignore, tell: ignore, dropped: ignore, redacted: ignore, failed: ignore },
    sendsUpTo: 0,
  };
  return { peer, asked };
}

test('[K4] what is found to be missing by an event that follows on it is asked for, too', () => {
  const [ada, bob, log] = [logOf(1), logOf(2), logOf(3)];
  const written = (writer: ReplicatedLog<unknown>) => {
    writer.append(1);
    return writer.takeUnflushed().map(({ block }) => block);
  };
  const { peer, asked } = askedPeer();
  const reach = new LogReach({
    isConnecting: () => false,
    ...{ id: 'tea', storage: memoryStorage(), environment: systemEnvironment, peers: new Set([peer]) },
    ...{ catchUpEventsMax: () => Number.POSITIVE_INFINITY, log: () => log, now, onError: ignore },
    ...{ store: () => undefined, changed: () => undefined },
  });
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
