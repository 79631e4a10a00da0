/**
 * What is asked for by name, both ways.
 *
 * - [S11] Runs missing before received events can show are asked for once (`want`), until the peer opens the log anew.
 *   Whoever is asked sends them, and tells of those that it does not have (`absent`). Had rows to be dropped, the log is
 *   compared anew at the next tick.
 */
import type { Supply } from '../edges.js';
import { runsPerFrameMax } from '../limits.js';
import type { Run } from '../ports/storage.js';
import type { Channel } from './channel.js';
import { noteLacks } from './comparison.js';
import type { SessionContext } from './session-context.js';

/** Missing here: asked for, unless it was. */
export function askFor(session: SessionContext, channel: Channel, missing: readonly Run[]): void {
  const runs = missing
    .filter(({ replica, last }) => last > (channel.wanted.get(replica) ?? 0))
    .slice(0, runsPerFrameMax);
  if (runs.length > 0) sendWant(session, channel, runs);
}

export function sendWant(session: SessionContext, channel: Channel, runs: readonly Run[]): void {
  if (channel.remote === undefined || runs.length === 0) return;
  for (const { replica, last } of runs) channel.wanted.set(replica, last);
  session.put({ type: 'asked', log: channel.log, runs });
  for (let from = 0; from < runs.length; from += runsPerFrameMax) {
    session.send({ kind: 'want', channel: channel.remote, runs: runs.slice(from, from + runsPerFrameMax) });
  }
}

/** What is here of what the peer asked for is read; of the rest it is told. */
export function supply(session: SessionContext, channel: Channel, { lacks, absent }: Supply): void {
  noteLacks(channel.supplies, lacks);
  if (absent.length === 0 || channel.remote === undefined) return;
  for (let from = 0; from < absent.length; from += runsPerFrameMax) {
    const runs = absent.slice(from, from + runsPerFrameMax);
    session.send({ kind: 'absent', channel: channel.remote, runs });
  }
}
