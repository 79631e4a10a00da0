/** The session's table of states × events: what is put out, and where that leads. No cell is empty. */
import { expect, test } from 'vitest';
import { type Happening, happenings, inWords, rigIn, type StateName, states } from '../../test/session-rig.js';

/** Outputs in order, then the state after where it is another. Nothing at all: an empty text. */
type Expectation = string;
type Row = Readonly<Record<Happening, Expectation>>;

const everything = (expectation: Expectation): Row =>
  Object.fromEntries(Object.keys(happenings).map((happening) => [happening, expectation])) as Row;

/** How a session ends that finds fault with its peer, by the code of the fault. */
type Fault = (code: string) => Expectation;
const untold: Fault = (code) => `end ${code} → ended`;
const told: Fault = (code) => `send close ${code}, end ${code} → ended`;
const toldAndReleased: Fault = (code) => `send close ${code}, released, end ${code} → ended`;

const brokenBytes = (fault: Fault) => ({
  'unknown version': fault('version-unsupported'),
  garbage: fault('bytes-truncated'),
  'a cut frame': fault('bytes-truncated'),
  'an empty frame': fault('bytes-truncated'),
  'an over-long frame': fault('frame-too-large'),
});

/** Answers to what was never asked for, or is not waited for any more. */
const unasked = {
  'open granted': '',
  'open granted for the peer': 'released',
  'open failed': '',
  'describe answered': '',
  'describe failed': '',
  'compare answered': '',
  'compare answered, asking': '',
  'compare failed': '',
  'read answered': '',
  'read answered, more': '',
  'read answered, left out': '',
  'read failed': '',
  'merge answered': '',
  'merge answered, missing': '',
  'merge answered, dropped': '',
  'merge answered, refused': '',
  'merge failed': '',
  'merge failed, early': '',
  'store answered': '',
  'store failed': '',
  'sum answered': '',
  'sum answered, differing': '',
  'sum answered, not at once': '',
  'sum failed': '',
  'answer of another kind': '',
};

/** Feeds there are none of. */
const noFeeds = {
  subscribe: '',
  'pull of no feed': '',
  'unsubscribe from no feed': '',
  'select answered': '',
  'select failed': '',
};

/** Feeds take no part in what becomes of the log. */
const feeds = { ...noFeeds, feed: 'request open', 'pull, no such feed': '', subscribe: 'send feed' };

const unknownKinds = { 'unknown kind': '', presence: '' };

const beforeHello = (fault: Fault) => ({
  ...unasked,
  ...noFeeds,
  ...unknownKinds,
  ...brokenBytes(fault),
  attach: '',
  detach: '',
  describe: '',
  stored: '',
  'stored, not due': '',
  'end, connection lost': 'end connection-lost → ended',
  open: fault('protocol'),
  'open, answering': fault('protocol'),
  'open, other descriptor': fault('protocol'),
  'ranges, answering': fault('protocol'),
  'ranges, asking': fault('protocol'),
  'ranges, letting go': fault('protocol'),
  'ranges of another comparison': fault('protocol'),
  'ranges of a thorough comparison': fault('protocol'),
  'ranges, beginning': fault('protocol'),
  'ranges, no such channel': fault('protocol'),
  sums: fault('protocol'),
  'sums, not at rest': fault('protocol'),
  'sums, no such channel': fault('protocol'),
  cut: fault('protocol'),
  coming: fault('protocol'),
  'coming, all of it': fault('protocol'),
  want: fault('protocol'),
  absent: fault('protocol'),
  'want, by this node': '',
  redacted: '',
  events: fault('protocol'),
  'events, no such channel': fault('protocol'),
  ack: fault('protocol'),
  'ack to a durable node': fault('protocol'),
  credit: fault('protocol'),
  'ping, asking': fault('protocol'),
  'ping, answering': fault('protocol'),
  'error early': fault('protocol'),
  'error not-found': fault('protocol'),
  'error forbidden': fault('protocol'),
  'error, no such channel': fault('protocol'),
  'close of the log': fault('protocol'),
  'close, no such channel': fault('protocol'),
  feed: fault('protocol'),
  'pull, no such feed': fault('protocol'),
  'close of the session': 'end node-closed → ended',
});

const ticks = {
  tick: '',
  'tick, heartbeat due': 'send credit',
  'tick, request overdue': 'send credit',
  'tick, peer silent': told('connection-lost'),
  'tick, held event due': 'send credit',
  // What has passed is not the peer's silence: it is asked.
  'tick after a standstill': 'send ping',
  'tick, probe unanswered': told('connection-lost'),
  probe: 'send ping',
};

const greeting: Row = {
  ...beforeHello(told),
  ...ticks,
  start: '',
  end: told('normal'),
  hello: 'established → absent',
};

const absent: Row = {
  ...unasked,
  ...feeds,
  ...unknownKinds,
  ...brokenBytes(told),
  ...ticks,
  // A heartbeat has gone out with the frame before.
  'tick, held event due': '',
  'ping, asking': 'clock, send ping',
  'ping, answering': 'clock',
  start: '',
  attach: 'request describe → offered',
  detach: '',
  describe: '',
  stored: '',
  'stored, not due': '',
  end: told('normal'),
  'end, connection lost': 'end connection-lost → ended',
  hello: told('protocol'),
  open: 'request open → opening',
  'open, answering': 'send close of the log',
  'open, other descriptor': 'request open → opening',
  'ranges, answering': '',
  'ranges, asking': '',
  'ranges, letting go': '',
  'ranges of another comparison': '',
  'ranges of a thorough comparison': '',
  'ranges, beginning': '',
  'ranges, no such channel': '',
  sums: '',
  'sums, not at rest': '',
  'sums, no such channel': '',
  cut: '',
  coming: '',
  'coming, all of it': '',
  want: '',
  absent: '',
  'want, by this node': '',
  redacted: '',
  events: '',
  'events, no such channel': '',
  ack: '',
  'ack to a durable node': '',
  credit: '',
  'error early': '',
  'error not-found': '',
  'error forbidden': '',
  'error, no such channel': '',
  'close of the log': '',
  'close, no such channel': '',
  'close of the session': 'end node-closed → ended',
};

const offered: Row = {
  ...absent,
  attach: '',
  detach: '→ absent',
  describe: 'request describe',
  'open, answering': 'request open → opening',
  ack: 'acknowledged',
  'error early': 'refused early',
  'error not-found': 'left',
  'error forbidden': 'left, refused forbidden',
  'close of the log': 'left',
};

const opened: Row = {
  ...offered,
  detach: 'send close of the log → absent',
  open: '',
  'open, answering': '',
  'open, other descriptor': 'send error descriptor-mismatch',
  'error not-found': 'left → offered',
  'error forbidden': 'refused forbidden',
  'close of the log': 'left → offered',
};

const live: Row = {
  ...opened,
  stored: 'send events',
  'stored, not due': 'request read',
  open: 'edges, request describe, request compare',
  want: 'request supply',
  absent: 'absent',
  'want, by this node': 'asked, send want',
  'open, answering': 'edges',
  events: 'request merge',
  'tick, held event due': 'request sum',
  'tick after a standstill': 'send ping, request sum',
  'ranges, beginning': 'request compare',
  sums: 'request sum',
  coming: 'progress',
  'coming, all of it': 'through',
  cut: 'cut',
};

/** Not at rest: sums are neither sent nor looked at. */
const busy = { 'tick, held event due': '', 'tick after a standstill': 'send ping', sums: '' };

/** A request is under way: its answer may be of another kind, or not come. */
const asked = {
  'answer of another kind': told('protocol'),
  'tick, request overdue': told('request-timeout'),
  'tick, held event due': told('request-timeout'),
};

/** Our sum is being taken, and is not taken twice. */
const resting = { 'tick after a standstill': 'send ping', sums: '', 'sum failed': told('storage-failed') };

/** A comparison of ours is under way, and it alone. */
const comparing: Row = {
  ...live,
  ...busy,
  stored: '',
  'stored, not due': '',
  'ranges, answering': 'request compare',
  'ranges, asking': 'request compare',
  'ranges, letting go': told('protocol'),
};

const table: Readonly<Record<StateName, Row>> = {
  new: {
    ...beforeHello(untold),
    ...everyTick(''),
    'tick, probe unanswered': '',
    start: 'send hello → greeting',
    end: untold('normal'),
    hello: untold('protocol'),
  },
  greeting: { ...greeting, attach: 'request describe' },
  'greeting, describing': {
    ...greeting,
    ...asked,
    'describe answered': 'send open',
    'describe failed': told('storage-failed'),
    hello: 'established → offered',
  },
  'greeting, offered': {
    ...greeting,
    describe: 'request describe',
    hello: 'established → offered',
  },
  absent,
  describing: {
    ...offered,
    ...asked,
    describe: '',
    'close of the log': 'left, request describe',
    'describe answered': 'send open',
    'describe failed': told('storage-failed'),
  },
  offered,
  opening: {
    ...opened,
    ...asked,
    'open granted': 'edges, send ranges → live',
    'open granted for the peer': 'edges, send ranges → live',
    'open failed': 'send error forbidden → offered',
    'tick, request overdue': 'send error request-timeout → offered',
    'tick, held event due': 'send error request-timeout → offered',
  },
  live,
  'live, for the peer alone': {
    ...live,
    ...brokenBytes(toldAndReleased),
    detach: '',
    'tick, peer silent': toldAndReleased('connection-lost'),
    'tick, probe unanswered': toldAndReleased('connection-lost'),
    end: toldAndReleased('normal'),
    'end, connection lost': 'released, end connection-lost → ended',
    hello: toldAndReleased('protocol'),
    'error not-found': 'left, released → absent',
    'close of the log': 'left, released → absent',
    'close of the session': 'released, end node-closed → ended',
  },
  'live, peer may not write': {
    ...live,
    coming: '',
    'coming, all of it': '',
    cut: '',
    events: 'send error forbidden',
  },
  'live, comparing': comparing,
  'live, crossed': comparing,
  'live, reading a turn': {
    ...live,
    ...busy,
    ...asked,
    stored: '',
    'stored, not due': '',
    'compare answered': 'send ranges, compared',
    'compare answered, asking': 'send ranges',
    'compare failed': told('forked'),
    'ranges, answering': 'request compare',
    'ranges, asking': 'request compare',
  },
  'live, reading': {
    ...live,
    ...busy,
    ...asked,
    stored: '',
    'stored, not due': '',
    'read answered': 'send events',
    'read answered, left out': 'send cut, send events',
    'read answered, more': 'send coming, send events, request read',
    'read failed': told('storage-failed'),
  },
  'live, merging': {
    ...live,
    ...asked,
    // What came before is merged first.
    'coming, all of it': '',
    'merge answered': 'acknowledged, request store',
    'merge answered, missing': 'acknowledged, asked, send want, request store',
    'merge answered, dropped': 'acknowledged, request store',
    'merge answered, refused': 'acknowledged, request store',
    'merge failed': told('clock'),
    'merge failed, early': 'send error early',
  },
  'live, storing': {
    ...live,
    ...busy,
    'answer of another kind': told('protocol'),
    'store answered': 'send ack',
    'store failed': told('storage-failed'),
  },
  'live, muted': { ...live, ...busy, stored: '', 'stored, not due': '' },
  'live, held': {
    ...live,
    ...busy,
    stored: '',
    'stored, not due': '',
    tick: 'request describe',
    'tick, heartbeat due': 'request describe, send credit',
    'tick, request overdue': 'request describe, send credit',
    'tick, held event due': 'request describe',
    'tick after a standstill': 'send ping, request describe',
  },
  'live, summing': {
    ...live,
    ...asked,
    ...resting,
    // Minutes have passed: it is due by now, and nothing is overdue yet.
    'stored, not due': 'send events',
    'tick, held event due': '',
    'sum answered': 'send sums',
    'sum answered, differing': 'send sums',
  },
  "live, summing for the peer's sums": {
    ...live,
    ...asked,
    ...resting,
    'sum answered, differing': 'request compare',
  },
  'live, healing': {
    ...live,
    sums: '',
    'ranges of a thorough comparison': 'request compare',
  },
  ended: everything(''),
};

function everyTick(expectation: Expectation): typeof ticks {
  return Object.assign({ ...ticks }, ...Object.keys(ticks).map((tick) => ({ [tick]: expectation })));
}

/** The rule that decides about an event. */
const rules: Readonly<Record<Happening, string>> = {
  start: '[S1]',
  attach: '[S5]',
  detach: '[S16]',
  describe: '[S5]',
  stored: '[S9]',
  'stored, not due': '[S8]',
  'open granted': '[S7]',
  'open granted for the peer': '[S16]',
  'open failed': '[S7, S15]',
  'describe answered': '[S5]',
  'describe failed': '[S15]',
  'compare answered': '[S5]',
  'compare answered, asking': '[S5]',
  'compare failed': '[S15]',
  'read answered': '[S8]',
  'read answered, left out': '[S22]',
  'read answered, more': '[S8]',
  'read failed': '[S15]',
  'merge answered': '[S10]',
  'merge answered, missing': '[S11]',
  'merge answered, dropped': '[S11]',
  'merge answered, refused': '[S28]',
  redacted: '[S28]',
  'merge failed': '[S4]',
  'merge failed, early': '[S13]',
  'store answered': '[S12]',
  'store failed': '[S15]',
  'answer of another kind': '[S15]',
  tick: '[S2]',
  'tick, heartbeat due': '[S2]',
  'tick, request overdue': '[S15]',
  'tick, peer silent': '[S2]',
  'tick, held event due': '[S13]',
  'tick after a standstill': '[S24, S25]',
  'tick, probe unanswered': '[S24]',
  probe: '[S24]',
  end: '[S16]',
  'end, connection lost': '[S16]',
  hello: '[S1]',
  open: '[S5, S7]',
  'open, answering': '[S5]',
  'open, other descriptor': '[S6]',
  'ranges, answering': '[S5]',
  'ranges, asking': '[S5]',
  'ranges, letting go': '[S5]',
  'ranges of another comparison': '[S5]',
  'ranges, no such channel': '[S17]',
  'ranges of a thorough comparison': '[S18]',
  'ranges, beginning': '[S18]',
  sums: '[S18]',
  'sums, not at rest': '[S18]',
  'sums, no such channel': '[S17, S18]',
  'sum answered': '[S18]',
  'sum answered, differing': '[S18]',
  'sum answered, not at once': '[S18]',
  'sum failed': '[S15]',
  cut: '[S7, S14, S22]',
  coming: '[S19]',
  'coming, all of it': '[S19]',
  want: '[S11]',
  absent: '[S11]',
  'want, by this node': '[S11]',
  events: '[S7, S14]',
  'events, no such channel': '[S17]',
  'ack to a durable node': '[S12]',
  ack: '[S12]',
  credit: '[S10]',
  'ping, asking': '[S24]',
  'ping, answering': '[S24]',
  'error early': '[S13]',
  'error not-found': '[S16]',
  'error forbidden': '[S14]',
  'error, no such channel': '[S17]',
  'close of the log': '[S16]',
  'close, no such channel': '[S17]',
  'close of the session': '[S16]',
  feed: '[F1, F2]',
  'pull, no such feed': '[F6]',
  subscribe: '[F1]',
  'pull of no feed': '[F6]',
  'unsubscribe from no feed': '[F6]',
  'select answered': '[S15]',
  'select failed': '[S15]',
  'unknown kind': '[S3]',
  presence: '[S3]',
  'unknown version': '[S3]',
  garbage: '[S4]',
  'a cut frame': '[S4]',
  'an empty frame': '[S4]',
  'an over-long frame': '[S4]',
};

const stateNames = Object.keys(states) as StateName[];

const cells = (Object.entries(rules) as [Happening, string][]).map(([happening, rule]) => [rule, happening] as const);

test.each(cells)('%s in every state: %s', (_, happening) => {
  const seen = stateNames.map((state) => {
    const rig = rigIn(state);
    const before = rig.state;
    const outputs = rig.handle(happenings[happening](rig));
    return [state, inWords(outputs, rig.state === before ? '' : rig.state)];
  });
  expect(seen).toEqual(stateNames.map((state) => [state, table[state][happening]]));
});

test('[S15] [S16] after its end a session puts out nothing, whatever comes in whatever order', () => {
  for (const first of Object.keys(happenings) as Happening[]) {
    const rig = rigIn('ended');
    for (const happening of [first, 'start', 'hello', 'attach', 'open'] as const) {
      expect(rig.handle(happenings[happening](rig))).toEqual([]);
    }
  }
});
