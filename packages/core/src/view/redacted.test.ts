import { expect, test } from 'vitest';
import { ada, baseTime, blockOf, bob, erasedBy, exported, redactionOf } from '../../test/sample-blocks.js';
import { ViewLog, writerOf } from '../../test/view-log.js';
import { type CheckpointStore, createGossipLog, type LogEvent, type PayloadCodec } from '../index.js';
import {
  aggregate,
  anonymize,
  causallyAfter,
  causallyBefore,
  changes,
  count,
  dedup,
  fold,
  group,
  map,
  pipe,
  sum,
  tag,
  view,
  where,
} from './index.js';

interface Message {
  readonly text: string;
  readonly points: number;
}

const of = (text: string, points = 1): Message => ({ text, points });
const ids = (rows: Iterable<LogEvent>) => Array.from(rows, ({ id }) => id);
const texts = (rows: Iterable<LogEvent<Message>>) => Array.from(rows, ({ payload }) => payload?.text);

test('a redaction is one splice: the event goes, a tombstone stands in its place, and the redaction does not show [V1, V5]', () => {
  const { log } = new ViewLog<Message>();
  const [first, second, third] = ['a', 'b', 'c'].map((text) => log.append(of(text))) as LogEvent<Message>[];
  const all = view(log);
  const before = all.snapshot();
  before.slice();
  log.redact((second as LogEvent).id);
  const splices = all.changesSince(before);
  const tombstone = all.snapshot().at(1) as LogEvent<Message>;
  expect(splices).toEqual([{ at: 1, removed: [second], inserted: [tombstone] }]);
  expect(splices[0]?.removed[0]).toBe(second);
  expect([...all.snapshot()]).toEqual([first, tombstone, third]);
  expect(tombstone).toMatchObject({ payload: undefined, error: undefined, redacted: { writer: writerOf(1) } });
});

test('functions that count on a payload are not reported for a redacted event, which they leave out [V6]', () => {
  const { log } = new ViewLog<Message>();
  const { id } = log.append(of('secret', 5));
  log.append(of('tea', 2));
  const views = [
    view(
      log,
      where((message) => message.text.length > 0),
    ),
    view(
      log,
      dedup((message) => message.text),
    ),
  ];
  const mapped = view(
    log,
    map((message) => message.text.length),
  );
  const tagged = view(
    log,
    tag('long', ({ payload }) => payload.text.length > 3),
  );
  const points = aggregate(
    log,
    sum((message) => message.points),
  );
  const rooms = aggregate(
    log,
    group((message) => message.text, count()),
  );
  const folded = fold(log, (all: string, { payload }) => all + payload.text, '');
  expect([points.value(), folded.value(), rooms.value().size]).toEqual([7, 'secrettea', 2]);
  log.redact(id);
  expect(views.map((made) => texts(made.snapshot()))).toEqual([['tea'], ['tea']]);
  // What shows events otherwise shows the tombstone as it is.
  expect(mapped.snapshot().map(({ payload, redacted }) => (redacted === undefined ? payload : 'gone'))).toEqual([
    'gone',
    3,
  ]);
  expect(ids(tagged.snapshot())).toEqual(ids(log.snapshot()));
  expect([points.value(), folded.value(), [...rooms.value().keys()]]).toEqual([2, 'tea', ['tea']]);
  const made = [...views, mapped, tagged, points, rooms, folded];
  expect(made.flatMap((one) => one.errors())).toEqual([]);
});

test('anonymize hides who redacted an event [V1]', () => {
  const { log } = new ViewLog<Message>();
  log.redact(log.append(of('secret')).id);
  const [event] = view(log, anonymize()).snapshot();
  expect(event?.redacted?.writer).toBe(event?.writer);
  expect(JSON.stringify(event)).not.toContain(writerOf(1));
});

test('a redaction, which does not show, leads from one event to another [V1]', () => {
  const ada = new ViewLog<Message>(1);
  const bob = new ViewLog<Message>(2);
  const cleo = new ViewLog<Message>(3);
  const first = ada.append(of('a'));
  const other = ada.append(of('b'));
  bob.log.merge(ada.log.encode());
  bob.log.redact(other.id);
  cleo.log.merge(bob.log.encode());
  const last = cleo.append(of('c'));
  const after = view(cleo.log, causallyAfter(first));
  expect(ids(after.snapshot())).toEqual([other.id, last.id]);
  expect(ids(view(cleo.log, causallyBefore(last)).snapshot())).toEqual([first.id, other.id]);
});

test('a stream brings an event once: redacted later, it does not come again, but as a change [V1, V5]', async () => {
  const { log } = new ViewLog<Message>();
  const [first, second] = ['a', 'b'].map((text) => log.append(of(text))) as [LogEvent, LogEvent];
  const events = view(log)[Symbol.asyncIterator]();
  const splices = changes(log);
  const came = async (many: number) => {
    const results = [];
    for (let i = 0; i < many; i++) results.push((await events.next()).value as LogEvent<Message>);
    return results.map(({ id, redacted }) => [id, redacted !== undefined]);
  };
  await splices.next();
  expect(await came(2)).toEqual([
    [first.id, false],
    [second.id, false],
  ]);
  // One that was read, and one that was not looked at.
  const third = log.append(of('c'));
  for (const { id } of [first, third]) log.redact(id);
  const next = log.append(of('d'));
  expect(await came(2)).toEqual([
    [third.id, true],
    [next.id, false],
  ]);
  const { value } = await splices.next();
  expect(value?.map(({ at }: { at: number }) => at)).toEqual([0, 2]);
  await events.return?.();
  await splices.return?.();
});

test('a pipe copies no event that was redacted before it came to it', async () => {
  const { log } = new ViewLog<Message>();
  const copies = new ViewLog<Message>(5).log;
  log.redact(log.append(of('secret')).id);
  log.append(of('tea'));
  const running = pipe(log, copies);
  await copied(copies, 1);
  running.stop();
  await running.done;
  expect(texts(copies.snapshot())).toEqual(['tea']);
});

function copied(log: { readonly length: number; subscribe(listener: () => void): () => void }, length: number) {
  return new Promise<void>((resolve) => {
    const look = () => void (log.length >= length && resolve());
    log.subscribe(look);
    look();
  });
}

test('a fold that was saved before an event was redacted is folded again, and what was saved is saved over [V11]', async () => {
  const kept = new Map<string, Uint8Array>();
  const store: CheckpointStore = {
    load: async (name) => kept.get(name),
    save: async (name, bytes) => void (bytes === undefined ? kept.delete(name) : kept.set(name, bytes)),
  };
  const checkpoint = { store, name: 'texts', version: 1 };
  const { log } = new ViewLog<Message>();
  const folding = () => fold(log, (all: string, { payload }) => all + payload.text, '', { checkpoint });
  const saved = () => new TextDecoder('utf-8').decode(kept.get('texts') ?? new Uint8Array());
  const { id } = log.append(of('secret'));
  log.append(of('tea'));
  const first = folding();
  await first.restored;
  expect(first.value()).toBe('secrettea');
  await first.save();
  expect(saved()).toContain('secret');
  log.redact(id);

  // After a restart.
  const second = folding();
  await second.restored;
  expect(second.value()).toBe('tea');
  await second.save();
  expect(saved()).not.toContain('secret');

  // While it runs it needs no asking.
  await first.save();
  const { id: other } = log.append(of('hidden'));
  expect(second.value()).toBe('teahidden');
  await second.save();
  expect(saved()).toContain('hidden');
  log.redact(other);
  expect(second.value()).toBe('tea');
  // Saving waits for what is saved before it.
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  expect(saved()).not.toContain('hidden');
});

test('an event without a byte of payload is another one once it is redacted [V5]', () => {
  const none: PayloadCodec<null> = { name: 'json', encode: () => new Uint8Array(), decode: () => null };
  const log = createGossipLog<null>({ id: 'tea', writer: writerOf(1), now: () => 1_800_000_000_000, codec: none });
  const all = view(log);
  const row = { writer: ada, seq: 1, time: baseTime, payload: '' };
  log.merge(exported([blockOf([row])]));
  const before = all.snapshot();
  // The erased row comes without its redaction: its payload is the next to be placed.
  log.merge(exported([blockOf([erasedBy(row, redactionOf(row, { writer: bob, seq: 1 }))])]));
  expect(all.changesSince(before)).toMatchObject([{ at: 0, inserted: [{ redacted: { writer: bob } }] }]);
});
