/**
 * `@gossip-log/core/sync`: for those who build nodes and transports. Apps need none of it.
 */
export type { LogEdges, RedactionSum, Supply, UnmetRun } from '../edges.js';
export type { FeedFilter, FeedPart, FeedPosition, FeedQuery } from '../feed.js';
export { Listeners, reportUncaught } from '../listeners.js';
export type { Receipt } from '../log/arrivals.js';
export type { ErasedEvents } from '../log/erasing-rows.js';
export { blocksOf, DamagedChunk, PackedOtherwise, type Reading } from '../log/packed-chunks.js';
export type { PackPlan } from '../log/packer.js';
export type { ReadQuery, ReadResult } from '../log/read-lacking.js';
export type { ReappendPlan, Successors, UnsentRecord, UnsentRuns } from '../log/reappend-rows.js';
export type { Retention } from '../log/retention.js';
export type { LogDescriptor } from '../log-descriptor.js';
export { printable } from '../printable.js';
export { endOfTime, type KnownRun, type Range } from '../range.js';
export { ReplicatedLog } from '../replicated-log.js';
export { type KeptRun, type KnownEvent, type LogEntry, type OwnRuns, runsOf, type TimedRun } from '../runs.js';
export type { FeedRows } from './feed-rows.js';
export { Session } from './session.js';
export type {
  Answer,
  Answers,
  Effect,
  FeedRequest,
  Peer,
  Progress,
  SessionInput,
  SessionOptions,
  SessionOutput,
} from './session-io.js';
export { Suppliers } from './suppliers.js';
