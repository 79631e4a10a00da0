/** Ranges: how a node says what it has of a log, a span of time or some writers at a time. `log/compare-rows.ts` reads them. */
import type { SequenceNumber, WriterId } from './ids.js';
import { timeMax } from './limits.js';

/** The last event that somebody has of a writer, and its time; both 0 when there is none. */
export interface KnownRun {
  readonly writer: WriterId;
  readonly last: SequenceNumber;
  readonly lastTime: number;
}

/** Times `[from, to)`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export type Range =
  /** All that the sender has of the log. */
  | { readonly kind: 'runs'; readonly runs: readonly KnownRun[] }
  /** Of these writers the sender has less than it was told of, or other events. */
  | { readonly kind: 'lacking-runs'; readonly runs: readonly KnownRun[] }
  | (Span & { readonly kind: 'fingerprint'; readonly count: number; readonly sum: Uint32Array })
  /** Short names of all rows of the span. */
  | (Span & { readonly kind: 'rows'; readonly names: readonly number[] })
  /** Of the rows that it was told of, the sender lacks these. */
  | (Span & { readonly kind: 'lacking-rows'; readonly names: readonly number[] });

/** The end of a span that has no end. */
export const endOfTime = timeMax + 1;

/** Does it want an answer? */
export function isQuestion({ kind }: Range): boolean {
  return kind === 'runs' || kind === 'fingerprint' || kind === 'rows';
}
