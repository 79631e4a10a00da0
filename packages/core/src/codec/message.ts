/**
 * Sync message ↔ bytes: one frame is one message. `docs/protocol.md` has the byte tables.
 *
 * Every frame begins with version, kind and channel. Kinds 0 to 17 are fixed, but for 15, which is free; `presence` is
 * reserved.
 */

import { type LogEdges, type RedactionSum, wholeLog } from '../edges.js';
import { GossipError, type GossipErrorCode, isErrorCode } from '../errors.js';
import type { FeedFilter } from '../feed.js';
import { type WriterId, writerIdFromBytes, writerIdToBytes } from '../ids.js';
import {
  bridgedNodesMax,
  comparisonFramesMax,
  creditBytesMax,
  feedBytesMax,
  feedCursorsMax,
  feedWritersMax,
  frameBytesMax,
  logIdBytesMax,
  messageBytesMax,
  namesPerRangeMax,
  nodeNameBytesMax,
  nowMsMax,
  rangesPerFrameMax,
  runsPerFrameMax,
  seqMax,
  timeMax,
  tokenBytesMax,
  writerIdBytes,
} from '../limits.js';
import { lanes, shortNameBytes } from '../log/contribution.js';
import type { LogDescriptor } from '../log-descriptor.js';
import type { CloseReason } from '../ports/connection.js';
import type { Run } from '../ports/storage.js';
import { endOfTime, type KnownRun, type Range } from '../range.js';
import { splitBlocks } from './block.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { utf8Decoder, utf8Encoder } from './utf8.js';

/** Version of the frame format. 0 until the first release. */
const frameVersion = 0;

/** Numbers of the kinds on the wire. */
export const frameKinds = {
  hello: 0,
  open: 1,
  ranges: 2,
  want: 3,
  events: 4,
  ack: 5,
  credit: 6,
  presence: 7,
  error: 8,
  close: 9,
  feed: 10,
  pull: 11,
  sums: 12,
  coming: 13,
  absent: 14,
  cut: 16,
  ping: 17,
} as const;

/** Who is at the other end. The first frame of a session, once. */
export interface HelloMessage {
  readonly kind: 'hello';
  /** The node's own id: 16 random bytes, as a writer's. */
  readonly node: WriterId;
  /** A name for people. */
  readonly name: string;
  /** It promises durability: what it acknowledges survives. */
  readonly durable: boolean;
  /** It opens the logs that a peer asks for, also those that it does not use. Absent: it does not. */
  readonly onDemand?: boolean;
  /** Its clock, milliseconds since 1970. */
  readonly now: number;
}

/** Names a log, and gives the number under which the sender takes frames about it. May come again at any time. */
export interface OpenMessage {
  readonly kind: 'open';
  readonly channel: number;
  readonly descriptor: LogDescriptor;
  readonly token: string | undefined;
  /** Absent: the sender holds the whole log. */
  readonly edges?: LogEdges;
  /** How many nodes away the sender is from one that uses the log (S26); infinite: it only answers. Absent: it uses the log itself. */
  readonly distance?: number;
  /** Begins a comparison, and asks the receiver for its own `open` in return; `undefined` in one that is such an answer. */
  readonly turn: FirstTurn | undefined;
}

/** The first turn of a comparison. */
export interface FirstTurn {
  /** Number of the comparison, given by the node that begins it. */
  readonly comparison: number;
  readonly ranges: readonly Range[];
}

/** A turn of a comparison, or a page of one: what the sender has of a log, in ranges. */
export interface RangesMessage {
  readonly kind: 'ranges';
  readonly channel: number;
  readonly comparison: number;
  /** How many frames of this kind the sender has sent in this comparison before. */
  readonly frame: number;
  /** The sender began this comparison. */
  readonly own: boolean;
  /** More frames of this turn follow. */
  readonly more: boolean;
  /** A thorough comparison begins with this, which the sender begins. */
  readonly begins: boolean;
  /** Nothing is told: one that the sender began crosses this comparison, and serves for both. */
  readonly yields: boolean;
  /** Spans follow one another in time and do not overlap. */
  readonly ranges: readonly Range[];
}

/** Asks for runs that were thought to be here already. */
export interface WantMessage {
  readonly kind: 'want';
  readonly channel: number;
  readonly runs: readonly Run[];
}

/** Of the events that were asked for the sender does not have these. */
export interface AbsentMessage {
  readonly kind: 'absent';
  readonly channel: number;
  readonly runs: readonly Run[];
}

/** Blocks, in causal order. */
export interface EventsMessage {
  readonly kind: 'events';
  readonly channel: number;
  readonly blocks: readonly Uint8Array[];
}

/** What is durable at a named node: up to `last`, per writer. */
export interface AckMessage {
  readonly kind: 'ack';
  readonly channel: number;
  readonly node: string;
  readonly runs: readonly Run[];
}

/** Bytes of events that may be sent in addition. 0 is a sign of life. */
export interface CreditMessage {
  readonly kind: 'credit';
  readonly bytes: number;
}

/** Something about one log that does not end the session. */
export interface ErrorMessage {
  readonly kind: 'error';
  readonly channel: number;
  readonly code: GossipErrorCode;
  readonly message: string;
  /** With `early`: the time that is too far ahead. Else 0. */
  readonly time: number;
}

/** The end of one channel, or of the session (channel 0). */
export interface CloseMessage {
  readonly kind: 'close';
  readonly channel: number;
  readonly reason: CloseReason;
}

/** Asks for a feed, and gives the sender's number for it, which all frames about it carry (F1). */
export interface FeedMessage {
  readonly kind: 'feed';
  readonly channel: number;
  readonly descriptor: LogDescriptor;
  readonly token: string | undefined;
  readonly filter: FeedFilter;
  /** The last event that the sender has, of each writer of which it has one. */
  readonly after: readonly KnownRun[];
}

/** Bytes of a feed's events that may be sent in addition; 0 ends the feed. */
export interface PullMessage {
  readonly kind: 'pull';
  readonly channel: number;
  readonly bytes: number;
}

/** The sum of all events of a log before a time, of which nothing was heard for a while. */
export interface SumsMessage {
  readonly kind: 'sums';
  readonly channel: number;
  readonly upTo: number;
  readonly count: number;
  readonly sum: Uint32Array;
}

/** About how much is sent of a log from here on; 0 events once it is sent. */
export interface ComingMessage {
  readonly kind: 'coming';
  readonly channel: number;
  readonly events: number;
  readonly bytes: number;
}

/** Of the events that the receiver lacks, only those from a time on are sent: the newest so many that it has asked for (S22). */
export interface CutMessage {
  readonly kind: 'cut';
  readonly channel: number;
  readonly time: number;
}

/** A sign of life, with the sender's clock. */
export interface PingMessage {
  readonly kind: 'ping';
  /** One is wanted in return. */
  readonly asks: boolean;
  /** The sender's clock, milliseconds since 1970. */
  readonly now: number;
}

export type Message =
  | HelloMessage
  | OpenMessage
  | RangesMessage
  | WantMessage
  | EventsMessage
  | AckMessage
  | CreditMessage
  | ErrorMessage
  | CloseMessage
  | FeedMessage
  | PullMessage
  | SumsMessage
  | ComingMessage
  | AbsentMessage
  | CutMessage
  | PingMessage;

/** A frame of a kind that this version does not know: skipped. */
export interface UnknownMessage {
  readonly kind: 'unknown';
}

const hello = { durable: 1, onDemand: 2 } as const;
const ping = { asks: 1 } as const;
const open = { turn: 1, token: 4, last: 8, cut: 16, catchUp: 32, distance: 64, redactions: 128 } as const;
const openFlags = open.turn | open.token | open.last | open.cut | open.catchUp | open.distance | open.redactions;
const feedFlags = open.token;
const turn = { own: 1, more: 2, begins: 4, yields: 8 } as const;
const turnFlags = turn.own | turn.more | turn.begins;
const rangeKinds = ['runs', 'lacking-runs', 'fingerprint', 'rows', 'lacking-rows'] as const;
const policies = ['unsigned'] as const;
const decoder = utf8Decoder();

/** One message as one frame. @internal */
export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter(message.kind === 'events' ? 64 + blocksBytes(message.blocks) : 256);
  out.u8(frameVersion);
  out.u8(frameKinds[message.kind]);
  out.varint('channel' in message ? message.channel : 0);
  switch (message.kind) {
    case 'hello':
      out.bytes(writerIdToBytes(message.node));
      out.u8((message.durable ? hello.durable : 0) | (message.onDemand === true ? hello.onDemand : 0));
      writeClock(out, message.now);
      out.text(cut(message.name, nodeNameBytesMax));
      break;
    case 'open': {
      const { descriptor, token, edges = wholeLog, distance = 0 } = message;
      out.u8(
        (message.turn === undefined ? 0 : open.turn) |
          (token === undefined ? 0 : open.token) |
          (edges.last === undefined ? 0 : open.last) |
          (edges.cut === undefined ? 0 : open.cut) |
          (edges.catchUpEventsMax === undefined ? 0 : open.catchUp) |
          (edges.redactions === undefined ? 0 : open.redactions) |
          (distance === 0 ? 0 : open.distance),
      );
      writeDescriptor(out, descriptor);
      out.varint(edges.wanted);
      out.varint(edges.complete);
      if (edges.last !== undefined) out.varint(edges.last);
      if (edges.cut !== undefined) out.varint(edges.cut);
      if (edges.catchUpEventsMax !== undefined) out.varint(edges.catchUpEventsMax);
      if (edges.redactions !== undefined) {
        out.varint(edges.redactions.from);
        writeFingerprint(out, edges.redactions);
      }
      if (distance > 0) out.varint(distance === Number.POSITIVE_INFINITY ? 0 : distance);
      if (token !== undefined) out.text(token);
      if (message.turn !== undefined) writeTurn(out, message.turn);
      break;
    }
    case 'ranges':
      out.u8(
        (message.own ? turn.own : 0) |
          (message.more ? turn.more : 0) |
          (message.begins ? turn.begins : 0) |
          (message.yields ? turn.yields : 0),
      );
      out.varint(message.frame);
      writeTurn(out, message);
      break;
    case 'want':
    case 'absent':
      writeRuns(out, message.runs);
      break;
    case 'events':
      for (const block of message.blocks) {
        out.varint(block.length);
        out.bytes(block);
      }
      break;
    case 'ack':
      out.text(cut(message.node, nodeNameBytesMax));
      writeRuns(out, message.runs);
      break;
    case 'credit':
      out.varint(message.bytes);
      break;
    case 'error':
      out.text(message.code);
      out.text(cut(message.message, messageBytesMax));
      out.varint(message.time);
      break;
    case 'close':
      out.text(message.reason.code);
      out.text(cut(message.reason.message, messageBytesMax));
      break;
    case 'feed': {
      const { token, filter, after } = message;
      out.u8(token === undefined ? 0 : open.token);
      writeDescriptor(out, message.descriptor);
      out.varint(filter.from);
      out.varint(filter.until === endOfTime ? 0 : filter.until);
      if (token !== undefined) out.text(token);
      out.varint(filter.writers.length);
      for (const writer of filter.writers) out.bytes(writerIdToBytes(writer));
      writeKnownRuns(out, after);
      break;
    }
    case 'pull':
      out.varint(message.bytes);
      break;
    case 'sums':
      out.varint(message.upTo);
      writeFingerprint(out, message);
      break;
    case 'coming':
      out.varint(message.events);
      out.varint(message.bytes);
      break;
    case 'cut':
      out.varint(message.time);
      break;
    case 'ping':
      out.u8(message.asks ? ping.asks : 0);
      writeClock(out, message.now);
      break;
  }
  return out.finish();
}

/**
 * One frame as a message. Blocks come out as views, not yet decoded.
 *
 * @throws GossipError `frame-too-large`, `version-unsupported`, `frame-invalid`, `bytes-truncated`.
 * @internal
 */
export function decodeMessage(bytes: Uint8Array): Message | UnknownMessage {
  if (bytes.length > frameBytesMax) {
    throw new GossipError('frame-too-large', `a frame of ${bytes.length} bytes, at most ${frameBytesMax}`);
  }
  try {
    return decode(new ByteReader(bytes), bytes);
  } catch (error) {
    // The reader says what is wrong with bytes in general; here they are a frame's.
    if (error instanceof GossipError && error.code === 'block-invalid') {
      throw new GossipError('frame-invalid', error.message, { cause: error });
    }
    throw error;
  }
}

function decode(reader: ByteReader, bytes: Uint8Array): Message | UnknownMessage {
  const version = reader.u8();
  if (version !== frameVersion) {
    throw new GossipError('version-unsupported', `frame version ${version}; this reads ${frameVersion}`, {
      context: { version },
    });
  }
  const kind = reader.u8();
  const channel = reader.bounded(seqMax, 'channel');
  const message = decodeBody(kind, channel, reader, bytes);
  if (message.kind !== 'unknown' && message.kind !== 'close' && 'channel' in message !== channel > 0) {
    throw new GossipError('frame-invalid', `channel ${channel} in a frame of kind ${message.kind}`);
  }
  if (message.kind !== 'unknown' && message.kind !== 'events' && reader.remaining > 0) {
    throw new GossipError('frame-invalid', `${reader.remaining} bytes too many in a frame of kind ${message.kind}`);
  }
  return message;
}

function decodeBody(kind: number, channel: number, reader: ByteReader, bytes: Uint8Array): Message | UnknownMessage {
  switch (kind) {
    case frameKinds.hello: {
      const node = writerIdFromBytes(reader.bytes(writerIdBytes));
      const flags = reader.u8();
      const now = reader.bounded(nowMsMax, 'clock');
      return {
        kind: 'hello',
        node,
        durable: (flags & hello.durable) !== 0,
        ...((flags & hello.onDemand) !== 0 && { onDemand: true }),
        now,
        name: reader.text(nodeNameBytesMax, 'name'),
      };
    }
    case frameKinds.open: {
      const flags = reader.u8();
      const descriptor = readDescriptor(reader);
      const wanted = reader.bounded(timeMax, 'edge');
      const complete = reader.bounded(timeMax, 'edge');
      if ((flags & ~openFlags) !== 0) {
        throw new GossipError('version-unsupported', 'an open with flags that this version lacks');
      }
      const last = (flags & open.last) === 0 ? {} : { last: reader.bounded(seqMax, 'last events') };
      const cut = (flags & open.cut) === 0 ? {} : { cut: reader.bounded(timeMax, 'cut') };
      const most = (flags & open.catchUp) === 0 ? {} : { catchUpEventsMax: reader.bounded(seqMax, 'events') };
      const redactions = (flags & open.redactions) === 0 ? {} : { redactions: readRedactionSum(reader) };
      const edges = { wanted, complete, ...last, ...cut, ...most, ...redactions };
      const told = open.last | open.cut | open.catchUp | open.redactions;
      const isWhole = wanted === 0 && complete === 0 && (flags & told) === 0;
      const far = (flags & open.distance) === 0 ? undefined : reader.bounded(bridgedNodesMax, 'distance');
      const distance = far === undefined ? {} : { distance: far === 0 ? Number.POSITIVE_INFINITY : far };
      const token = (flags & open.token) === 0 ? undefined : reader.text(tokenBytesMax, 'token');
      const turn = (flags & open.turn) === 0 ? undefined : readTurn(reader);
      return { kind: 'open', channel, descriptor, token, ...(isWhole ? {} : { edges }), ...distance, turn };
    }
    case frameKinds.ranges: {
      const flags = reader.u8();
      const begins = (flags & turn.begins) !== 0;
      const yields = flags === turn.yields;
      if (!yields && ((flags & ~turnFlags) !== 0 || (begins && (flags & turn.own) === 0))) {
        throw new GossipError('frame-invalid', `flags ${flags} of ranges`);
      }
      const frame = reader.bounded(comparisonFramesMax, 'frame');
      const { comparison, ranges } = readTurn(reader);
      if (yields && ranges.length > 0) throw new GossipError('frame-invalid', 'ranges of what the peer lets go');
      return {
        kind: 'ranges',
        channel,
        own: (flags & turn.own) !== 0,
        more: (flags & turn.more) !== 0,
        begins,
        yields,
        frame,
        comparison,
        ranges,
      };
    }
    case frameKinds.want:
      return { kind: 'want', channel, runs: readRuns(reader) };
    case frameKinds.absent:
      return { kind: 'absent', channel, runs: readRuns(reader) };
    case frameKinds.events:
      return { kind: 'events', channel, blocks: splitBlocks(bytes, reader.at) };
    case frameKinds.ack:
      return { kind: 'ack', channel, node: reader.text(nodeNameBytesMax, 'name'), runs: readRuns(reader) };
    case frameKinds.credit:
      return { kind: 'credit', bytes: reader.bounded(creditBytesMax, 'credit') };
    case frameKinds.error: {
      const code = reader.text(64, 'code');
      const message = reader.text(messageBytesMax, 'message');
      // A code from a newer peer is not known here: what it concerns is refused all the same.
      return { kind: 'error', channel, code: isErrorCode(code) ? code : 'protocol', message, time: reader.varint() };
    }
    case frameKinds.close: {
      const code = reader.text(64, 'code');
      const message = reader.text(messageBytesMax, 'message');
      return {
        kind: 'close',
        channel,
        reason: { code: code === 'normal' || isErrorCode(code) ? code : 'protocol', message },
      };
    }
    case frameKinds.feed: {
      const flags = reader.u8();
      const descriptor = readDescriptor(reader);
      if ((flags & ~feedFlags) !== 0) {
        throw new GossipError('version-unsupported', 'a feed with flags that this version lacks');
      }
      const from = reader.varint();
      const until = reader.varint() || endOfTime;
      if (from >= until) throw new GossipError('frame-invalid', 'a feed of no time');
      const token = (flags & open.token) === 0 ? undefined : reader.text(tokenBytesMax, 'token');
      const count = reader.bounded(feedWritersMax, 'writers of a feed');
      if (count * writerIdBytes > reader.remaining) {
        throw new GossipError('frame-invalid', `${count} writers in ${reader.remaining} bytes`);
      }
      const writers = Array.from({ length: count }, () => writerIdFromBytes(reader.bytes(writerIdBytes)));
      const after = readKnownRuns(reader, feedCursorsMax);
      return { kind: 'feed', channel, descriptor, token, filter: { from, until, writers }, after };
    }
    case frameKinds.pull:
      return { kind: 'pull', channel, bytes: reader.bounded(feedBytesMax + frameBytesMax, 'bytes to pull') };
    case frameKinds.sums:
      return { kind: 'sums', channel, upTo: reader.bounded(timeMax, 'time'), ...readFingerprint(reader) };
    case frameKinds.coming:
      return { kind: 'coming', channel, events: reader.varint(), bytes: reader.varint() };
    case frameKinds.cut:
      return { kind: 'cut', channel, time: reader.bounded(timeMax, 'time') };
    case frameKinds.ping: {
      const flags = reader.u8();
      if ((flags & ~ping.asks) !== 0) {
        throw new GossipError('version-unsupported', 'a ping with flags that this version lacks');
      }
      return { kind: 'ping', asks: flags !== 0, now: reader.bounded(nowMsMax, 'clock') };
    }
    default:
      return { kind: 'unknown' };
  }
}

function writeClock(out: ByteWriter, now: number): void {
  out.varint(Math.min(Math.max(0, Math.floor(now)), nowMsMax));
}

function writeDescriptor(out: ByteWriter, { id, policy, codec }: LogDescriptor): void {
  out.text(id);
  out.u8(policies.indexOf(policy));
  // Hash family of the digests: 0 is none, as unsigned logs have none.
  out.u8(0);
  out.text(codec);
}

function readDescriptor(reader: ByteReader): LogDescriptor {
  const id = reader.text(logIdBytesMax, 'log id');
  if (id === '') throw new GossipError('frame-invalid', 'a frame without a log id');
  const policy = policies[reader.u8()];
  const hash = reader.u8();
  const codec = reader.text(32, 'codec');
  if (policy === undefined || hash !== 0) {
    throw new GossipError('version-unsupported', 'a log with a policy or a hash that this version lacks');
  }
  return { id, policy, codec };
}

function blocksBytes(blocks: readonly Uint8Array[]): number {
  return blocks.reduce((sum, block) => sum + block.length + 4, 0);
}

function writeRun(out: ByteWriter, run: Run): void {
  out.bytes(writerIdToBytes(run.writer));
  out.varint(run.first);
  out.varint(run.last - run.first);
}

function writeRuns(out: ByteWriter, runs: readonly Run[]): void {
  out.varint(runs.length);
  for (const run of runs) writeRun(out, run);
}

function readRun(reader: ByteReader): Run {
  const writer = writerIdFromBytes(reader.bytes(writerIdBytes));
  const first = reader.bounded(seqMax, 'sequence number');
  const last = first + reader.bounded(seqMax - first, 'length of a run');
  if (first === 0) throw new GossipError('frame-invalid', 'sequence number 0');
  return { writer, first, last };
}

/** A number of runs, held against the bytes that are left before anything is allocated. */
function runCount(reader: ByteReader, rest: number, max = runsPerFrameMax): number {
  const count = reader.bounded(max, 'runs');
  if (count * (writerIdBytes + rest) > reader.remaining) {
    throw new GossipError('frame-invalid', `${count} runs in ${reader.remaining} bytes`);
  }
  return count;
}

function readRuns(reader: ByteReader): Run[] {
  const count = runCount(reader, 2);
  return Array.from({ length: count }, () => readRun(reader));
}

function writeKnownRuns(out: ByteWriter, runs: readonly KnownRun[]): void {
  out.varint(runs.length);
  for (const { writer, last, lastTime } of runs) {
    out.bytes(writerIdToBytes(writer));
    out.varint(last);
    out.varint(lastTime);
  }
}

function readKnownRuns(reader: ByteReader, max?: number): KnownRun[] {
  return Array.from({ length: runCount(reader, 2, max) }, () => ({
    writer: writerIdFromBytes(reader.bytes(writerIdBytes)),
    last: reader.bounded(seqMax, 'sequence number'),
    lastTime: reader.bounded(timeMax, 'time'),
  }));
}

function writeFingerprint(out: ByteWriter, { count, sum }: Pick<SumsMessage, 'count' | 'sum'>): void {
  out.varint(count);
  for (const lane of sum) out.u32(lane);
}

function readFingerprint(reader: ByteReader): Pick<SumsMessage, 'count' | 'sum'> {
  return { count: reader.varint(), sum: Uint32Array.from({ length: lanes }, () => reader.u32()) };
}

function writeTurn(out: ByteWriter, { comparison, ranges }: FirstTurn): void {
  out.varint(comparison);
  out.varint(ranges.length);
  let end = 0;
  for (const range of ranges) {
    out.u8(rangeKinds.indexOf(range.kind));
    if ('runs' in range) {
      writeKnownRuns(out, range.runs);
      continue;
    }
    out.varint(range.from - end);
    // A span without an end is 0: one that is not empty never is.
    out.varint(range.to === endOfTime ? 0 : range.to - range.from);
    end = range.to;
    if ('names' in range) {
      out.varint(range.names.length);
      for (const name of range.names) out.u48(name);
    } else {
      writeFingerprint(out, range);
    }
  }
}

function readTurn(reader: ByteReader): FirstTurn {
  const comparison = reader.bounded(seqMax, 'comparison');
  const count = reader.bounded(rangesPerFrameMax, 'ranges');
  const ranges: Range[] = [];
  let end = 0;
  const listed = new Set<string>();
  for (let i = 0; i < count; i++) {
    const kind = rangeKinds[reader.u8()];
    if (kind === undefined) throw new GossipError('frame-invalid', 'a range of unknown kind');
    if (kind === 'runs' || kind === 'lacking-runs') {
      // Each costs a look at all writers: one says it all.
      if (listed.has(kind)) throw new GossipError('frame-invalid', `${kind} twice in a frame`);
      listed.add(kind);
      ranges.push({ kind, runs: readKnownRuns(reader) });
      continue;
    }
    const from = end + reader.bounded(timeMax, 'time');
    const length = reader.bounded(timeMax, 'time');
    const to = length === 0 ? endOfTime : from + length;
    if (from > timeMax || to > endOfTime) throw new GossipError('frame-invalid', 'a span over its bound');
    end = to;
    if (kind === 'fingerprint') {
      ranges.push({ kind, from, to, ...readFingerprint(reader) });
      continue;
    }
    const names = reader.bounded(namesPerRangeMax, 'names');
    if (names * shortNameBytes > reader.remaining) {
      throw new GossipError('frame-invalid', `${names} names in ${reader.remaining} bytes`);
    }
    ranges.push({ kind, from, to, names: Array.from({ length: names }, () => reader.u48()) });
  }
  return { comparison, ranges };
}

/** Text cut to a number of bytes, at a character. */
function cut(text: string, bytesMax: number): string {
  const bytes = utf8Encoder.encode(text);
  if (bytes.length <= bytesMax) return text;
  // A character cut in two decodes to U+FFFD, which takes three bytes: leave room for it.
  return decoder.decode(bytes.subarray(0, bytesMax - 3)).replace(/\ufffd+$/, '');
}

function readRedactionSum(reader: ByteReader): RedactionSum {
  return { from: reader.bounded(timeMax, 'time'), ...readFingerprint(reader) };
}
