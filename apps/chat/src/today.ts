/** Which day it is for the reader, as it changes at midnight: a page stays open for days. */
import { useSyncExternalStore } from 'react';
import { dayNumber } from './time-label.js';

/** Timers sleep with the machine: looked at so often, and whenever somebody comes back to the page. */
const lookMs = 60_000;

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let today = dayNumber(Date.now());

function look(): void {
  const now = dayNumber(Date.now());
  if (now === today) return;
  today = now;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    timer = setInterval(look, lookMs);
    document.addEventListener('visibilitychange', look);
    look();
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    document.removeEventListener('visibilitychange', look);
  };
}

/** The day by its number (`dayNumber`); the component renders when another begins. */
export function useToday(): number {
  return useSyncExternalStore(subscribe, () => today);
}
