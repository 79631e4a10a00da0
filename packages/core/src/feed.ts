/** Feeds: which events of a log a reader wants, and how far it has come. `sync/feeds.ts` carries them. */
import type { WriterId } from './ids.js';
import type { KnownEvent, LogEntry } from './runs.js';

/** Which events, by what a node can tell without reading payloads. */
export interface FeedFilter {
  /** Written in `[from, until)`: hybrid times, 0 and `endOfTime` for no bound. */
  readonly from: number;
  readonly until: number;
  /** Written by one of these; empty for all. At most `feedWritersMax`. */
  readonly writers: readonly WriterId[];
}

/** Of each writer the last event that a reader has. Of those that are not named it has none. */
export type FeedPosition = ReadonlyMap<WriterId, KnownEvent>;

/** What to read for a feed. */
export interface FeedQuery {
  readonly filter: FeedFilter;
  readonly after: FeedPosition;
  /** All that matches before this time has been read, but for what has been stored since. */
  readonly since: number;
  /** Stop once the blocks are about this large; at least one event is read. */
  readonly bytesMax: number;
}

/** The first part of what a feed's reader lacks. */
export interface FeedPart {
  readonly entries: readonly LogEntry[];
  /** The time from which there is more to read now; infinite when there is no more. */
  readonly next: number;
}
