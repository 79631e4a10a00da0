/**
 * What is asked for by name, both ways.
 *
 * - [S11] Runs missing before received events can show are asked for once (`want`), until the peer opens the log anew.
 *   Whoever is asked sends them, tells of those that it does not have (`absent`), and sends these once it has. Had rows to
 *   be dropped, the log is compared anew with every peer at the next tick: at once, what is under way would begin again
 *   before it is through.
 */
import type { Supply } from '../edges.js';
import { owedRunsMax, runsPerFrameMax } from '../limits.js';
import type { Run } from '../ports/storage.js';
import type { LogEntry } from '../runs.js';
import type { Channel } from './channel.js';
import { noteLacks } from './comparison.js';
import { knownOf } from './sending.js';
import type { SessionContext } from './session-context.js';

/** Missing here: asked for, unless it was. */
export function askFor(session: SessionContext, channel: Channel, missing: readonly Run[]): void {
  const runs = missing.filter(({ writer, last }) => last > (channel.wanted.get(writer) ?? 0)).slice(0, runsPerFrameMax);
  if (runs.length > 0) sendWant(session, channel, runs);
}

export function sendWant(session: SessionContext, channel: Channel, runs: readonly Run[]): void {
  if (channel.remote === undefined || runs.length === 0) return;
  for (const { writer, last } of runs) channel.wanted.set(writer, last);
  session.put({ type: 'asked', log: channel.log, runs });
  for (let from = 0; from < runs.length; from += runsPerFrameMax) {
    session.send({ kind: 'want', channel: channel.remote, runs: runs.slice(from, from + runsPerFrameMax) });
  }
}

/** What is here of what the peer asked for is read; of the rest it is told. */
export function supply(session: SessionContext, channel: Channel, { lacks, absent }: Supply): void {
  noteLacks(channel.supplies, lacks);
  if (absent.length === 0 || channel.remote === undefined) return;
  channel.owed = [...channel.owed, ...absent].slice(-owedRunsMax);
  for (let from = 0; from < absent.length; from += runsPerFrameMax) {
    const runs = absent.slice(from, from + runsPerFrameMax);
    session.send({ kind: 'absent', channel: channel.remote, runs });
  }
}

/**
 * What the peer was told is not here may have come: it is read for it. Only where the peer knows of a later event of that
 * writer: else it goes out like all that becomes stored (S9).
 */
export function supplyOwed(session: SessionContext, channel: Channel, entries: readonly LogEntry[]): void {
  if (channel.owed.length === 0) return;
  const came: Run[] = [];
  for (const { writer, first, last } of entries.flatMap(({ runs }) => runs)) {
    channel.owed = channel.owed.flatMap((owed) => {
      if (owed.writer !== writer || owed.last < first || owed.first > last) return [owed];
      const run = { writer, first: Math.max(first, owed.first), last: Math.min(last, owed.last) };
      if (run.last <= knownOf(channel, run)) came.push(run);
      return [
        { writer, first: owed.first, last: run.first - 1 },
        { writer, first: run.last + 1, last: owed.last },
      ].filter((rest) => rest.first <= rest.last);
    });
  }
  const { log, edges } = channel;
  if (came.length > 0) session.request(channel, { kind: 'supply', log, runs: came, from: edges.wanted });
}
