import type { Run, WriterId } from '@gossip-log/core';
import type { KeptRun, LogEntry } from '@gossip-log/core/sync';

/** A session that has the log open. */
export interface LogPeer {
  /** Events up to this time are sent to it as soon as they are stored. */
  readonly sendsUpTo: number;
  /** These became stored. */
  stored(log: string, entries: readonly LogEntry[], kept?: ReadonlyMap<WriterId, KeptRun>): void;
  /** The log is no longer what was said of it. */
  describe(log: string): void;
  /** Its edges are others than was said. */
  tell(log: string): void;
  /** Rows were dropped that the peer may have. */
  dropped(log: string): void;
  /** Redactions came from others: what the peer was refused may be known by now. */
  redacted(log: string): void;
  /** The peer may have these. */
  want(log: string, runs: readonly Run[]): void;
  /** The log has failed: nothing can be read from it or stored. */
  failed(log: string): void;
}
