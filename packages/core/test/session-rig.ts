/**
 * One session by itself: states to bring it into, events to hand it, and its outputs as words. The table in
 * `session.test.ts` says what must come of each pair.
 */
import { decodeMessage, encodeMessage, type Message, type WantMessage } from '../src/codec/message.js';
import { GossipError, limits, type WriterId, writerIdFromBytes } from '../src/index.js';
import { endOfTime, type Range } from '../src/range.js';
import type { Answers, Effect, SessionInput, SessionOutput } from '../src/sync/index.js';
import { ReplicatedLog, Session } from '../src/sync/index.js';
import { bytesOf, rawFrame } from './frames.js';

const here = writerIdFromBytes(new Uint8Array(16).fill(1));
export const there = writerIdFromBytes(new Uint8Array(16).fill(2));

/** The log's name, and the number that the peer gave it. Ours is 1, since it is the session's first. */
export const log = 'tea';
export const ours = 1;
const theirs = 7;
const nobodys = 99;
const startMs = 1_700_000_000_000;
const descriptor = { id: log, policy: 'unsigned', codec: 'json' } as const;

/** An event of `writer` in a block of its own. */
function oneEvent(writer: WriterId, atMs = startMs) {
  const source = new ReplicatedLog({ id: log, writer, now: () => atMs }, { freshWriter: () => writer });
  source.append('x');
  return source.takeUnflushed();
}
const entriesHere = oneEvent(here);
const entriesThere = oneEvent(there);
/** No block as large as a frame fits into one. */
const tooLarge = entriesHere.map((entry) => ({ ...entry, block: new Uint8Array(limits.frameBytesMax) }));
const runsThere = entriesThere.flatMap(({ runs }) => runs);

const answers: { readonly [K in keyof Answers]: Answers[K] } = {
  open: { log, writable: true, forPeer: false },
  describe: {
    ...{ descriptor, ranges: [{ kind: 'runs', runs: [] }], token: undefined },
    edges: { wanted: 0, complete: 0, catchUpEventsMax: 1_000 },
  },
  compare: { lacks: new Map(), reply: [], from: 0, walked: 0, rows: 1 },
  sum: { fingerprint: { count: 1, sum: Uint32Array.of(1, 2, 3, 4) } },
  supply: { lacks: new Map(), absent: [] },
  read: { entries: [], more: false, heldTime: undefined, lacking: 0, cut: undefined },
  redactions: { entries: [], next: undefined },
  select: { entries: [], next: Number.POSITIVE_INFINITY },
  merge: { runs: runsThere, missing: [], dropped: 0 },
  store: { stored: new Map([[there, { first: 1, last: 1 }]]), before: [] },
};

export class Rig {
  nowMs = startMs;
  /** How far the wall clock has been set. */
  wallAheadMs = 0;
  /** This node promises durability. */
  readonly options = {
    ...{ node: here, name: 'here', durable: true, clockOffsetMs: 0 },
    wallClock: () => this.nowMs + this.wallAheadMs,
  };
  readonly session = new Session(this.options);
  /** Numbers of requests not answered yet, by kind. */
  readonly pending = new Map<Effect['kind'], number>();

  handle(input: SessionInput): SessionOutput[] {
    if (input.type === 'answer' || input.type === 'failed') {
      for (const [kind, number] of this.pending) if (number === input.request) this.pending.delete(kind);
    }
    this.nowMs = input.now;
    const outputs = this.session.handle(input);
    for (const output of outputs) {
      if (output.type === 'request') this.pending.set(output.effect.kind, output.request);
    }
    return outputs;
  }

  frame(message: Message): SessionInput {
    return { type: 'frame', bytes: encodeMessage(message), now: this.nowMs };
  }

  /** The answer to the pending request of that kind, or to one that never was. */
  answer<K extends keyof Answers>(kind: K, change: Partial<Answers[K]> = {}): SessionInput {
    // The compiler does not see that kind and answer belong together.
    const answer = { kind, ...answers[kind], ...change } as Extract<SessionInput, { type: 'answer' }>['answer'];
    return { type: 'answer', request: this.pending.get(kind) ?? 9_999, answer, now: this.nowMs };
  }

  failed(kind: Effect['kind'], error: GossipError): SessionInput {
    return { type: 'failed', request: this.pending.get(kind) ?? 9_999, error, now: this.nowMs };
  }

  /** Lets time pass as it does for a running node, but for ticks. */
  pass(ms: number): void {
    const end = this.nowMs + ms;
    while (this.nowMs < end) {
      const now = Math.min(end, this.nowMs + limits.probeMsMax / 4);
      this.handle({ type: 'pull', feed: 9_999, bytes: 1, now });
    }
  }

  /** A tick after a standstill. */
  tick(afterMs: number): SessionInput {
    return { type: 'tick', now: this.nowMs + afterMs };
  }

  /** Where the session and the log stand, in one word. */
  get state(): string {
    const { state } = this.session;
    return state === 'established' ? this.session.channelState(log) : state;
  }
}

const asking: Range[] = [{ kind: 'runs', runs: [] }];
const answering: Range[] = [{ kind: 'lacking-runs', runs: [] }];
const open = (change: Partial<Extract<Message, { kind: 'open' }>> = {}): Message => ({
  ...{ kind: 'open', channel: theirs, descriptor, token: undefined, turn: { comparison: 1, ranges: asking } },
  ...change,
});
/** A page of a turn of the comparison that the session began, its first. */
const turn = (change: Partial<Extract<Message, { kind: 'ranges' }>> = {}): Message => ({
  ...{
    kind: 'ranges',
    channel: ours,
    comparison: 1,
    own: false,
    more: false,
    begins: false,
    yields: false,
    frame: 0,
    ranges: answering,
  },
  ...change,
});
const ack: Message = { kind: 'ack', channel: ours, node: 'there', runs: [{ writer: here, first: 1, last: 1 }] };
const hello: Message = { kind: 'hello', node: there, name: 'there', durable: true, now: startMs };
export const events = (channel: number): Message => ({
  ...{ kind: 'events', channel, blocks: entriesThere.map(({ block }) => block) },
});
const sums: Message = { kind: 'sums', channel: ours, upTo: startMs * 2048, count: 1, sum: Uint32Array.of(1, 2, 3, 4) };
const otherSum = { fingerprint: { count: 2, sum: Uint32Array.of(4, 3, 2, 1) } };
const want: WantMessage = { kind: 'want', channel: ours, runs: [{ writer: here, first: 1, last: 1 }] };
const feed = {
  ...{ kind: 'feed', channel: nobodys, descriptor, token: undefined },
  ...{ filter: { from: 0, until: endOfTime, writers: [] }, after: [] },
} satisfies Message;
const early = Math.floor((startMs + 2 * limits.clockDriftMsMax) * 2048);

type Step = (rig: Rig) => SessionInput;

/** A tick after minutes in which the peer was heard, but not of the log. */
const tickAtRest: Step = (rig) => {
  const afterMs = startMs + 3 * limits.clockDriftMsMax - rig.nowMs;
  rig.pass(afterMs);
  for (const now of [rig.nowMs, rig.nowMs + 1]) rig.handle({ type: 'frame', bytes: rawFrame(0, 200, 0), now });
  return rig.tick(0);
};
/** The peer's sums, once nothing was heard of the log for a while. */
const sumsAtRest: Step = (rig) => {
  rig.pass(limits.idleSpareMs);
  // A heartbeat is due by then, and goes out with whatever comes.
  rig.handle({ type: 'frame', bytes: rawFrame(0, 200, 0), now: rig.nowMs });
  return rig.frame(sums);
};

const starting: Step[] = [(rig) => ({ type: 'start', now: rig.nowMs })];
const greeted: Step[] = [...starting, (rig) => rig.frame(hello)];
const attaching: Step[] = [...greeted, (rig) => ({ type: 'attach', log, now: rig.nowMs })];
const attachingEarly: Step[] = [...starting, (rig) => ({ type: 'attach', log, now: rig.nowMs })];
const offering: Step[] = [...attaching, (rig) => rig.answer('describe')];
const opening: Step[] = [...offering, (rig) => rig.frame(open())];
/** The peer has begun no comparison, and not answered ours yet. */
const comparing = (writable: boolean): Step[] => [
  ...offering,
  (rig) => rig.frame(open({ turn: undefined })),
  (rig) => rig.answer('open', { writable }),
];
const granted = (writable: boolean): Step[] => [
  ...comparing(writable),
  (rig) => rig.frame(turn()),
  (rig) => rig.answer('compare'),
  (rig) => rig.answer('read'),
];
const live = granted(true);
const merging: Step[] = [...live, (rig) => rig.frame(events(ours))];

/** What leads to each state. */
export const states = {
  new: [],
  greeting: starting,
  /** Attached; our description is being made, and the peer has not said hello. */
  'greeting, describing': attachingEarly,
  'greeting, offered': [...attachingEarly, (rig) => rig.answer('describe')],
  absent: greeted,
  /** Attached; our description is being made. */
  describing: attaching,
  offered: offering,
  opening,
  live,
  'live, for the peer alone': [
    ...greeted,
    (rig) => rig.frame(open()),
    (rig) => rig.answer('open', { forPeer: true }),
    (rig) => rig.answer('describe'),
    (rig) => rig.answer('compare', { reply: answering }),
    (rig) => rig.answer('read'),
  ],
  'live, comparing': comparing(true),
  /** The peer has begun anew meanwhile. */
  'live, reading a turn': [...comparing(true), (rig) => rig.frame(open()), (rig) => rig.answer('describe')],
  /** Both first `open` began a comparison, and this node has let the peer's go. */
  'live, crossed': [...opening, (rig) => rig.answer('open')],
  'live, peer may not write': granted(false),
  'live, reading': [...live, (rig) => ({ type: 'stored', log, entries: tooLarge, now: rig.nowMs })],
  'live, merging': merging,
  'live, storing': [...merging, (rig) => rig.answer('merge')],
  'live, muted': [
    ...live,
    (rig) => rig.frame({ kind: 'error', channel: ours, code: 'forbidden', message: '', time: 0 }),
  ],
  'live, held': [
    ...live,
    (rig) => rig.frame({ kind: 'error', channel: ours, code: 'early', message: '', time: early }),
  ],
  'live, summing': [...live, tickAtRest],
  "live, summing for the peer's sums": [...live, sumsAtRest],
  'live, healing': [
    ...[...live, sumsAtRest],
    (rig) => rig.answer('sum', otherSum),
    (rig) => rig.answer('compare', { reply: [{ kind: 'rows', from: 0, to: 1, names: [] }] }),
  ],
  ended: [...live, (rig) => rig.frame({ kind: 'close', channel: 0, reason: { code: 'normal', message: '' } })],
} satisfies Record<string, Step[]>;

const storageFailed = new GossipError('storage-failed', 'the disk is full');
const stored = (rig: Rig, time: number): SessionInput => ({
  type: 'stored',
  log,
  entries: entriesHere.map((entry) => ({ ...entry, runs: entry.runs.map((run) => ({ ...run, lastTime: time })) })),
  now: rig.nowMs,
});
const raw = (rig: Rig, bytes: Uint8Array): SessionInput => ({ type: 'frame', bytes, now: rig.nowMs });

/** Everything that can happen to a session. */
export const happenings = {
  start: (rig) => ({ type: 'start', now: rig.nowMs }),
  attach: (rig) => ({ type: 'attach', log, now: rig.nowMs }),
  detach: (rig) => ({ type: 'detach', log, now: rig.nowMs }),
  describe: (rig) => ({ type: 'describe', log, now: rig.nowMs }),
  stored: (rig) => stored(rig, startMs * 2048),
  'stored, not due': (rig) => stored(rig, early),
  'open granted': (rig) => rig.answer('open'),
  'open granted for the peer': (rig) => rig.answer('open', { forPeer: true }),
  'open failed': (rig) => rig.failed('open', new GossipError('forbidden', 'no')),
  'describe answered': (rig) => rig.answer('describe'),
  'describe failed': (rig) => rig.failed('describe', storageFailed),
  'compare answered': (rig) => rig.answer('compare', { reply: answering }),
  'compare answered, asking': (rig) => rig.answer('compare', { reply: asking }),
  'compare failed': (rig) => rig.failed('compare', new GossipError('forked', 'another event')),
  'read answered': (rig) => rig.answer('read', { entries: entriesHere }),
  'read answered, left out': (rig) => rig.answer('read', { entries: entriesHere, cut: 1 }),
  'read answered, more': (rig) => rig.answer('read', { entries: entriesHere, more: true }),
  'read failed': (rig) => rig.failed('read', storageFailed),
  'merge answered': (rig) => rig.answer('merge'),
  'merge answered, missing': (rig) => rig.answer('merge', { missing: [{ writer: here, first: 1, last: 1 }] }),
  'merge answered, dropped': (rig) => rig.answer('merge', { dropped: 1 }),
  'merge answered, refused': (rig) => rig.answer('merge', { refused: new GossipError('forbidden', '') }),
  redacted: (rig) => ({ type: 'redacted', log, now: rig.nowMs }),
  'merge failed': (rig) => rig.failed('merge', new GossipError('clock', 'not after its predecessor')),
  'merge failed, early': (rig) => rig.failed('merge', new GossipError('early', 'wait', { context: { time: early } })),
  'store answered': (rig) => rig.answer('store'),
  'store failed': (rig) => rig.failed('store', storageFailed),
  'answer of another kind': (rig) => {
    const [pending] = rig.pending;
    const other = pending?.[0] === 'store' ? 'read' : 'store';
    return { ...rig.answer(other), ...(pending === undefined ? {} : { request: pending[1] }) } as SessionInput;
  },
  tick: (rig) => rig.tick(0),
  'tick, heartbeat due': (rig) => rig.tick(limits.heartbeatMs),
  'tick, request overdue': (rig) => {
    rig.pass(limits.requestMsMax + 1);
    return rig.tick(0);
  },
  'tick, peer silent': (rig) => {
    rig.pass(limits.silenceMsMax + 1);
    return rig.tick(0);
  },
  'tick after a standstill': (rig) => rig.tick(limits.silenceMsMax + 1),
  'tick, probe unanswered': (rig) => {
    rig.handle({ type: 'probe', now: rig.nowMs });
    rig.pass(limits.probeMsMax);
    return rig.tick(0);
  },
  probe: (rig) => ({ type: 'probe', now: rig.nowMs }),
  'tick, held event due': tickAtRest,
  end: (rig) => ({ type: 'end', reason: { code: 'normal', message: '' }, now: rig.nowMs }),
  'end, connection lost': (rig) => ({
    ...{ type: 'end', reason: { code: 'connection-lost', message: '' }, now: rig.nowMs },
  }),
  hello: (rig) => rig.frame(hello),
  open: (rig) => rig.frame(open()),
  'open, answering': (rig) => rig.frame(open({ turn: undefined })),
  'open, other descriptor': (rig) => rig.frame(open({ descriptor: { ...descriptor, codec: 'other' } })),
  'ranges, answering': (rig) => rig.frame(turn()),
  'ranges, asking': (rig) => rig.frame(turn({ ranges: asking })),
  'ranges, letting go': (rig) => rig.frame(turn({ yields: true, ranges: [] })),
  'ranges of another comparison': (rig) => rig.frame(turn({ comparison: 99 })),
  'ranges of a thorough comparison': (rig) => rig.frame(turn({ comparison: 2 })),
  'ranges, beginning': (rig) => rig.frame(turn({ comparison: 5, own: true, begins: true, ranges: asking })),
  'ranges, no such channel': (rig) => rig.frame(turn({ channel: nobodys })),
  sums: sumsAtRest,
  'sums, not at rest': (rig) => rig.frame(sums),
  'sums, no such channel': (rig) => rig.frame({ ...sums, channel: nobodys }),
  'sum answered': (rig) => rig.answer('sum'),
  'sum answered, differing': (rig) => rig.answer('sum', otherSum),
  'sum answered, not at once': (rig) => rig.answer('sum', { fingerprint: undefined }),
  'sum failed': (rig) => rig.failed('sum', storageFailed),
  cut: (rig) => rig.frame({ kind: 'cut', channel: ours, time: 1 }),
  coming: (rig) => rig.frame({ kind: 'coming', channel: ours, events: 100, bytes: 3_000 }),
  'coming, all of it': (rig) => rig.frame({ kind: 'coming', channel: ours, events: 0, bytes: 0 }),
  want: (rig) => rig.frame(want),
  absent: (rig) => rig.frame({ ...want, kind: 'absent' }),
  'want, by this node': (rig) => ({ type: 'want', log, runs: want.runs, now: rig.nowMs }),
  events: (rig) => rig.frame(events(ours)),
  'events, no such channel': (rig) => rig.frame(events(nobodys)),
  ack: (rig) => {
    // To one that promises durability itself they say nothing.
    rig.options.durable = false;
    return rig.frame(ack);
  },
  'ack to a durable node': (rig) => rig.frame(ack),
  credit: (rig) => rig.frame({ kind: 'credit', bytes: 1000 }),
  'ping, asking': (rig) => rig.frame({ kind: 'ping', asks: true, now: startMs }),
  'ping, answering': (rig) => rig.frame({ kind: 'ping', asks: false, now: startMs }),
  'error early': (rig) => rig.frame({ kind: 'error', channel: ours, code: 'early', message: '', time: early }),
  'error not-found': (rig) => rig.frame({ kind: 'error', channel: ours, code: 'not-found', message: '', time: 0 }),
  'error forbidden': (rig) => rig.frame({ kind: 'error', channel: ours, code: 'forbidden', message: '', time: 0 }),
  'error, no such channel': (rig) =>
    rig.frame({ kind: 'error', channel: nobodys, code: 'forbidden', message: '', time: 0 }),
  'close of the log': (rig) => rig.frame({ kind: 'close', channel: ours, reason: { code: 'normal', message: '' } }),
  'close, no such channel': (rig) =>
    rig.frame({ kind: 'close', channel: nobodys, reason: { code: 'normal', message: '' } }),
  'close of the session': (rig) =>
    rig.frame({ kind: 'close', channel: 0, reason: { code: 'node-closed', message: '' } }),
  feed: (rig) => rig.frame(feed),
  'pull, no such feed': (rig) => rig.frame({ kind: 'pull', channel: nobodys, bytes: 100 }),
  subscribe: (rig) => ({
    ...{ type: 'subscribe', feed: 1, now: rig.nowMs },
    request: { descriptor, filter: feed.filter, after: new Map(), token: undefined },
  }),
  'pull of no feed': (rig) => ({ type: 'pull', feed: 1, bytes: 100, now: rig.nowMs }),
  'unsubscribe from no feed': (rig) => ({ type: 'unsubscribe', feed: 1, now: rig.nowMs }),
  'select answered': (rig) => rig.answer('select', { entries: entriesHere }),
  'select failed': (rig) => rig.failed('select', storageFailed),
  'unknown kind': (rig) =>
    raw(
      rig,
      rawFrame(0, 200, ours, (writer) => writer.text('what is to come')),
    ),
  presence: (rig) => raw(rig, rawFrame(0, 7, ours)),
  'unknown version': (rig) => raw(rig, rawFrame(1, 0, 0)),
  garbage: (rig) => raw(rig, bytesOf(0, 4, 1, 255, 255, 255)),
  'a cut frame': (rig) => raw(rig, encodeMessage(hello).subarray(0, 10)),
  'an empty frame': (rig) => raw(rig, bytesOf()),
  'an over-long frame': (rig) => raw(rig, new Uint8Array(limits.frameBytesMax + 1)),
} satisfies Record<string, Step>;

export type StateName = keyof typeof states;
export type Happening = keyof typeof happenings;

/** Brings a session into a state. */
export function rigIn(state: StateName): Rig {
  const rig = new Rig();
  for (const step of states[state]) rig.handle(step(rig));
  return rig;
}

/** Outputs as words, and the state after where it is another: `send open`, `established → absent`. */
export function inWords(outputs: readonly SessionOutput[], after: string): string {
  const words = outputs.map(outputInWords).join(', ');
  return after === '' ? words : `${words} → ${after}`.trimStart();
}

function outputInWords(output: SessionOutput): string {
  switch (output.type) {
    case 'send':
      return `send ${messageInWords(decodeMessage(output.frame))}`;
    case 'request':
      return `request ${output.effect.kind}`;
    case 'refused':
      return `refused ${output.error.code}`;
    case 'end':
      return `end ${output.reason.code}`;
    default:
      return output.type;
  }
}

function messageInWords(message: ReturnType<typeof decodeMessage>): string {
  switch (message.kind) {
    case 'error':
      return `error ${message.code}`;
    case 'close':
      return message.channel === 0 ? `close ${message.reason.code}` : `close of the log`;
    case 'open':
      return message.turn === undefined ? 'open, answering' : 'open';
    default:
      return message.kind;
  }
}
