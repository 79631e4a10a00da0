/**
 * In Chromium: a room kept in IndexedDB is opened until its first rows show; then new messages come one at a time, and
 * renders and time until each shows are counted. The same React list for every system.
 */
import type { Workload } from '../workload.js';
import { verify } from '../workload.js';

export const browser: Workload = {
  name: 'browser',
  title: 'A room in Chromium, in React',
  systems: ['yjs', 'automerge'],
  events: 100_000,
  runs: 3,
  secondsMax: 120,
  async run() {
    verify(false, 'not yet');
    return [];
  },
};
