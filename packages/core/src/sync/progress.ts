/**
 * How far a catching up is.
 *
 * - [S19] Who is about to send more than a frame of events says first about how much (`coming`), and when it is through;
 *   the latter also to a peer that has asked for the last events (S21).
 */
import type { TimedRun } from '../runs.js';
import type { Channel } from './channel.js';
import type { SessionContext } from './session-context.js';
import type { Answers, Progress } from './session-io.js';

/** What the peer has said is coming, and how much of it came. */
export function catchUp(session: SessionContext, channel: Channel, progress: Progress | undefined): void {
  if (channel.catchUp === undefined && progress === undefined) return;
  channel.catchUp = progress;
  session.put({ type: 'progress', log: channel.log, progress });
}

/** All that was coming has come: the driver is told once it is merged. */
export function through(session: SessionContext, channel: Channel): void {
  if (!channel.isThrough || session.isMerging(channel)) return;
  channel.isThrough = false;
  session.put({ type: 'through', log: channel.log });
}

/** These came. */
export function caughtUp(session: SessionContext, channel: Channel, runs: readonly TimedRun[]): void {
  if (channel.catchUp === undefined) return;
  const { received, expected } = channel.catchUp;
  catchUp(session, channel, { received: Math.min(expected, received + eventsOf(runs)), expected });
}

/** What is coming is judged by its first part. */
export function announce(session: SessionContext, channel: Channel, { entries, more, lacking }: Answers['read']): void {
  if (channel.announced || !more) return;
  channel.announced = true;
  let bytes = 0;
  let events = 0;
  for (const { block, runs } of entries) {
    bytes += block.length;
    events += eventsOf(runs);
  }
  session.send({
    ...{ kind: 'coming', channel: channel.remote as number, events: lacking },
    bytes: Math.round((bytes / Math.max(1, events)) * lacking),
  });
}

export function announceEnd(session: SessionContext, channel: Channel): void {
  if (!channel.announced && !channel.tellsEnd) return;
  channel.announced = false;
  channel.tellsEnd = false;
  session.send({ kind: 'coming', channel: channel.remote as number, events: 0, bytes: 0 });
}

function eventsOf(runs: readonly TimedRun[]): number {
  return runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}
