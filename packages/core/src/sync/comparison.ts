/** A comparison of one log with a peer (S5): how far it is, what it has shown, and its turns as frames. */
import type { WriterId } from '../ids.js';
import { frameBytesTarget, rangesPerFrameMax, seqMax } from '../limits.js';
import { shortNameBytes } from '../log/contribution.js';
import type { Range } from '../range.js';
import type { KnownEvent } from '../runs.js';

/** A comparison under way. */
export interface Comparison {
  /** Given by the node that began it. */
  readonly number: number;
  /** It was begun because sums differ, and beside all that goes on (C6). */
  readonly thorough: boolean;
  /** Where the spans of the peer's turn end, as far as it came. */
  end: number;
  /** Frames that came so far, and that were sent. */
  frames: number;
  sent: number;
  /** Frames of the peer's turn that wait until the one before is answered, and their bytes; a first one is being read. */
  readonly waiting: { readonly ranges: readonly Range[]; readonly turn: Turn; readonly bytes: number }[];
  waitingBytes: number;
  reading: boolean;
  /** The peer's turn, as far as it came, asks. */
  asked: boolean;
  /** Our turn, as far as it was sent, asks. */
  asks: boolean;
  /** What the peer lacks, as far as this comparison has shown, and what was stored since it began. */
  readonly lacks: Map<WriterId, KnownEvent>;
  /** What the peer was sent of that since, as it was lacking before: it may be lost on the way. */
  readonly onTheWay: Map<WriterId, KnownEvent>;
  /** Of what lies before it has said nothing. */
  from: number;
}

export function newComparison(number: number, thorough = false): Comparison {
  return {
    number,
    thorough,
    sent: 0,
    end: 0,
    frames: 0,
    waiting: [],
    waitingBytes: 0,
    reading: false,
    asked: false,
    asks: false,
    lacks: new Map(),
    onTheWay: new Map(),
    from: 0,
  };
}

/** A page of a turn. */
export interface Turn {
  readonly comparison: Comparison;
  /** This node began it. */
  readonly own: boolean;
  /** More pages of the peer's turn follow. */
  readonly more: boolean;
}

/** Where the spans of ranges end that follow one another from `from` on; `undefined` when they do not. */
export function endOf(ranges: readonly Range[], from: number): number | undefined {
  let end = from;
  for (const range of ranges) {
    if (!('from' in range)) continue;
    if (range.from < end) return undefined;
    end = range.to;
  }
  return end;
}

/** The more that somebody is found to lack counts: the earliest event of each writer, from the earliest time. */
export function noteLacks(noted: Map<WriterId, KnownEvent>, lacks: ReadonlyMap<WriterId, KnownEvent>): void {
  for (const [writer, event] of lacks) {
    const known = noted.get(writer);
    if (known === undefined) noted.set(writer, event);
    else if (event.until !== known.until) noted.set(writer, widest(known, event));
    else if (isEarlier(event, known)) noted.set(writer, event);
  }
}

function isEarlier(a: KnownEvent, b: KnownEvent): boolean {
  return a.seq < b.seq || (a.seq === b.seq && a.time < b.time);
}

function widest(a: KnownEvent, b: KnownEvent): KnownEvent {
  const { seq, time } = isEarlier(a, b) ? a : b;
  const until = Math.max(a.until ?? seqMax, b.until ?? seqMax);
  return until === seqMax ? { seq, time } : { seq, time, until };
}

/** A turn parted into what goes into a frame each; one page at least, which may be empty. */
export function pagesOf(ranges: readonly Range[]): Range[][] {
  let page: Range[] = [];
  const pages = [page];
  let bytes = 0;
  for (const range of ranges) {
    const size = rangeBytes(range);
    if (page.length > 0 && (bytes + size > frameBytesTarget || page.length === rangesPerFrameMax)) {
      page = [];
      pages.push(page);
      bytes = 0;
    }
    page.push(range);
    bytes += size;
  }
  return pages;
}

/** What a range takes in a frame, at most. */
function rangeBytes(range: Range): number {
  if ('runs' in range) return 5 + 32 * range.runs.length;
  return 20 + ('names' in range ? shortNameBytes * range.names.length : 24);
}
