export { checkOptions } from './check-options.js';
export { xxHash32 } from './codec/checksum.js';
export { jsonCodec, type PayloadCodec } from './codec/payload.js';
export { utf8Decoder, utf8Encoder } from './codec/utf8.js';
export { errorCodes, GossipError, type GossipErrorCode, invariant, isErrorCode } from './errors.js';
export type { LogEvent, RedactedBy } from './event.js';
export type { GossipLog, GossipLogOptions, MergeResult, RedactOptions, Relation } from './gossip-log.js';
export { clockMilliseconds, clockStepsPerMs, horizon, observe, tick } from './hybrid-logical-clock.js';
export {
  type EventId,
  eventId,
  parseEventId,
  parseLogId,
  parseWriterId,
  type SequenceNumber,
  type WriterId,
  writerIdFromBytes,
  writerIdToBytes,
} from './ids.js';
export * as limits from './limits.js';
export { emptySnapshot, type Snapshot } from './log/snapshot.js';
export type { CheckpointStore } from './ports/checkpoints.js';
export type {
  CloseReason,
  Connection,
  ConnectionHandlers,
  ConnectionHost,
  ConnectionSource,
  SourceStatus,
} from './ports/connection.js';
export type { Environment } from './ports/environment.js';
export type {
  CommitOptions,
  GossipStorage,
  JournalEntry,
  JournalRecord,
  PackedChunk,
  Packing,
  ReplacedRecords,
  Run,
  StoredLog,
} from './ports/storage.js';
export { createGossipLog } from './replicated-log.js';
export { compareVersions, mergeVersions, missingRuns, type VersionVector } from './version-vector.js';
