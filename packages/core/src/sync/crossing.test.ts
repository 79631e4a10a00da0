/** Comparisons of two nodes that open a log at the same moment. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TestNode, Wire } from '../../test/two-sessions.js';
import { decodeMessage, type Message } from '../codec/message.js';
import { type WriterId, writerIdFromBytes } from '../ids.js';
import { listedWritersMax, openRetryMs } from '../limits.js';
import { ReplicatedLog } from './index.js';

const log = 'tea';

function writer(...bytes: number[]): WriterId {
  const id = new Uint8Array(16);
  id.set(bytes);
  return writerIdFromBytes(id);
}

/** So many writers that a comparison takes three turns. */
const crowd = Array.from({ length: listedWritersMax + 8 }, (_, i) => {
  const options = { id: log, writer: writer(3, i), now: () => 1_600_000_000_000 + i * 10 };
  const author = new ReplicatedLog(options, { freshWriter: () => options.writer });
  author.append(i);
  return author.takeUnflushed()[0]?.block as Uint8Array;
});

function pair(history: readonly Uint8Array[], options: { readonly opensForPeers?: boolean } = {}) {
  const clock = { ms: 1_700_000_000_000 };
  const left = new TestNode({ writer: writer(1), durable: false, ...options }, () => clock.ms);
  const right = new TestNode({ writer: writer(2), durable: true, ...options }, () => clock.ms);
  const wire = new Wire(left, right);
  for (const node of wire.nodes) {
    const { log: hosted } = node.host(log);
    hosted.markStored(hosted.receive(history).entries);
    node.append(log, node.options.writer);
    node.store(log);
  }
  return { wire, left, right, clock };
}

const payloads = (node: TestNode) =>
  node
    .host(log)
    .log.snapshot()
    .map(({ payload }) => payload);

function sent<K extends Message['kind']>(node: TestNode, kind: K): Extract<Message, { kind: K }>[] {
  return node.outputs
    .flatMap((output) => (output.type === 'send' ? [decodeMessage(output.frame)] : []))
    .filter((message): message is Extract<Message, { kind: K }> => message.kind === kind);
}

test('[S5] of two comparisons that cross, that of the lower id goes on and serves for both', () => {
  const { wire, left, right } = pair(crowd);
  for (const node of wire.nodes) node.attach(log);
  wire.connect();
  wire.settle();
  expect(sent(left, 'open')).toMatchObject([{ turn: {} }]);
  expect(sent(right, 'open')).toMatchObject([{ turn: {} }]);
  expect(sent(left, 'ranges')).toMatchObject([
    { own: false, yields: true, ranges: [] },
    { own: true, yields: false, ranges: [{ kind: 'lacking-rows' }] },
  ]);
  expect(sent(right, 'ranges')).toMatchObject([{ own: false, yields: false, ranges: [{ kind: 'rows' }] }]);
  expect(payloads(left)).toHaveLength(crowd.length + 2);
  expect(payloads(right)).toEqual(payloads(left));
  expect(left.acknowledged.get(left.options.writer)).toBe(1);
});

const rare = ['append', 'store', 'attach', 'detach', 'describe', 'deny', 'cut'] as const;
const common = ['deliver', 'answer'] as const;

/** What a node does; which of the frames or requests that wait is taken modulo what there is. */
interface Step {
  readonly do: (typeof rare)[number] | (typeof common)[number];
  readonly at: number;
  readonly pick: number;
}

const at = fc.nat(1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom(...rare), at, pick: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom(...common), at, pick: fc.nat(3) }) },
);

/** `1 deliver 2`: the right node's third frame and those before. */
function schedule(text: string): Step[] {
  return text.split(', ').map((words) => {
    const [at, what, pick = 0] = words.split(' ');
    return { do: what as Step['do'], at: Number(at), pick: Number(pick) };
  });
}

/** Schedules that were found, each by another defect. */
const found: [Step[], boolean, boolean][] = [
  [schedule('1 deliver, 0 answer, 0 describe, 0 deliver 1, 1 detach'), true, false],
  [
    schedule(
      '0 deliver, 1 deliver, 1 answer, 1 deny, 0 answer, 0 deliver, 1 answer, 1 describe, 1 answer, 1 deliver 2',
    ),
    false,
    false,
  ],
  [
    schedule(
      '1 deliver, 0 deliver, 0 answer, 0 describe, 0 answer, 1 answer, 1 deliver, 0 answer, 0 deliver, 0 deliver 1',
    ),
    false,
    false,
  ],
  [
    schedule(
      '1 deny, 0 answer, 1 answer, 0 deliver 1, 1 deliver 1, 1 answer, 0 answer, 1 detach, 1 attach, 1 answer, 1 deliver 1, 0 answer 1',
    ),
    false,
    false,
  ],
];

test('[S5] [S8] [S23] [L1] wherever a log is opened, left, described anew or cut while comparisons cross, both converge', () => {
  const reached = { yielded: 0, described: 0, denied: 0, cuts: 0 };
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60, size: 'max' }),
      fc.boolean(),
      fc.boolean(),
      (steps, many, opensForPeers) => {
        const history = many ? crowd : [];
        const { wire, left, right, clock } = pair(history, { opensForPeers });
        for (const node of wire.nodes) node.attach(log);
        wire.connect();
        let events = 0;
        for (const move of steps) {
          if (move.do === 'cut') {
            reached.cuts++;
            wire.cut();
            wire.connect();
            continue;
          }
          const node = wire.nodes[move.at] as TestNode;
          if (move.do === 'append') node.append(log, `${move.at} ${events++}`);
          else if (move.do === 'store') node.store(log);
          else if (move.do === 'attach') node.attach(log);
          else if (move.do === 'deny') node.mayOpen = !node.mayOpen;
          else if (move.do === 'detach') node.detach(log);
          else if (move.do === 'describe') {
            reached.described++;
            node.input({ type: 'describe', log, now: node.trueNow() });
          } else if (move.do === 'deliver') for (let i = 0; i <= move.pick; i++) wire.deliver(node);
          else if (node.asked.length > 0) node.answer(move.pick % node.asked.length);
        }
        for (const node of wire.nodes) {
          node.mayOpen = true;
          node.attach(log);
        }
        wire.settle();
        clock.ms += openRetryMs;
        for (const node of wire.nodes) node.tick();
        wire.settle();
        for (const node of wire.nodes) node.store(log);
        wire.settle();
        for (const node of wire.nodes) {
          reached.denied += sent(node, 'error').length;
          reached.yielded += sent(node, 'ranges').filter(({ yields }) => yields).length;
          const ends = node.outputs.flatMap((output) => (output.type === 'end' ? [output.reason.code] : []));
          expect(ends.filter((code) => code !== 'connection-lost')).toEqual([]);
        }
        expect(payloads(left)).toEqual(payloads(right));
        expect(payloads(left)).toHaveLength(history.length + 2 + events);
        const own = left.options.writer;
        expect(left.acknowledged.get(own)).toBe(left.host(log).log.version().get(own));
      },
    ),
    { numRuns: 1_000, examples: found },
  );
  for (const [what, times] of Object.entries(reached)) expect(times, what).toBeGreaterThan(20);
});
