/** Edges: how far back a node holds a log, as nodes tell one another. Rules K1 to K6 are in `log/edges.ts`. */
import type { SequenceNumber, WriterId } from './ids.js';
import type { Run } from './ports/storage.js';

/** Two hybrid times; 0 is the beginning of the log. */
export interface LogEdges {
  /** The node wants the log from here on. */
  readonly wanted: number;
  /** It holds the log from here on, as far as it knows of it. */
  readonly complete: number;
  /** It holds nothing yet, and wants so many of the receiver's last events: the edges are to begin there. */
  readonly last?: number;
  /** Where the last events begin that the receiver has asked for (S21). */
  readonly cut?: number;
  /** Of the events that it lacks the node wants at most so many, the newest (S22). Absent: all. */
  readonly catchUpEventsMax?: number;
  /** What it has of redactions below `complete`, where it holds events too. Absent: it holds none there. */
  readonly redactions?: RedactionSum;
}

/** The redactions of a log from a time on, up to an edge: how many, and the sum of their contributions. */
export interface RedactionSum {
  readonly from: number;
  readonly count: number;
  readonly sum: Uint32Array;
}

/** The edges of a node that holds whole logs. */
export const wholeLog: LogEdges = Object.freeze({ wanted: 0, complete: 0 });

/** Events of a writer that are not here, of which the last one is referred to. */
export interface UnmetRun extends Run {
  /** Of the last one, as far as is told. */
  readonly time: number;
}

/** What of runs a peer asks for is here. */
export interface Supply {
  /** To be read: of each writer what lies behind the event, up to its `until`. */
  readonly lacks: ReadonlyMap<
    WriterId,
    { readonly seq: SequenceNumber; readonly time: number; readonly until: number }
  >;
  readonly absent: readonly Run[];
}
