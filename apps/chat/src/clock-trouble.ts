/**
 * A clock that is wrong by more than a day, as the node reports it when it connects. Smaller differences the node
 * corrects by itself.
 */
import { GossipError } from '@gossip-log/core';
import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let aheadMs: number | undefined;

function set(ms: number | undefined): void {
  if (ms === aheadMs) return;
  aheadMs = ms;
  for (const listener of listeners) listener();
}

/** For the node's `onError`. */
export function noteClockTrouble(error: Error): void {
  if (!(error instanceof GossipError) || error.code !== 'clock-offset') return;
  const { clockOffsetMs } = error.context;
  if (typeof clockOffsetMs === 'number') set(-clockOffsetMs);
}

/** Every connection compares the clocks again: when one is gone, nothing is known. */
export function forgetClockTrouble(): void {
  set(undefined);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** By how much this device's clock is ahead of the relay's, in milliseconds; below zero behind; else `undefined`. */
export function useClockTrouble(): number | undefined {
  return useSyncExternalStore(subscribe, () => aheadMs);
}
