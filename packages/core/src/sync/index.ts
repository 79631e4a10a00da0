/**
 * `@gossip-log/core/sync`: for those who build nodes and transports. Apps need none of it.
 */
export {
  type LogDescriptor,
  type ReadQuery,
  type ReadResult,
  type Receipt,
  ReplicatedLog,
  type Settlement,
} from '../replicated-log.js';
export type { KnownEvent, LogEntry, TimedRun } from '../runs.js';
export {
  type Answer,
  type Answers,
  type Effect,
  type Peer,
  Session,
  type SessionInput,
  type SessionOptions,
  type SessionOutput,
} from './session.js';
