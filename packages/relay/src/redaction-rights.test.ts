/** Who may redact, over real sockets. */
import type { EventId, WriterId } from '@gossip-log/core';
import { memoryStorage } from '@gossip-log/storage/memory';
import type { AuthorizeRequest, LogHandle } from '@gossip-log/transport';
import { expect, onTestFinished, test } from 'vitest';
import { blockOf, erasedBy, type Row, redactionOf } from '../../core/test/sample-blocks.js';
import { client, hasEvents, openLog, until } from '../test/client.js';
import { newWriter, RawPeer } from '../test/raw-peer.js';
import { createRelay } from './relay.js';

const rights: Readonly<Record<string, readonly string[]>> = {
  writer: ['read', 'write'],
  moderator: ['read', 'write', 'redact'],
};

/** A relay where moderators may redact, and writers may not. `asked` has what it was asked. */
async function relay(asked: AuthorizeRequest[] = []) {
  const made = await createRelay({
    port: 0,
    storage: memoryStorage(),
    authorize: async (request) => {
      asked.push(request);
      return rights[request.token ?? 'moderator']?.includes(request.action) ?? false;
    },
  });
  onTestFinished(() => made.close());
  return { asked, url: made.address?.url as string };
}

/** Payloads; of redacted events the id of the redaction. */
const shown = (log: LogHandle<string>) => log.snapshot().map(({ payload, redacted }) => redacted?.id ?? payload);
const has = (log: LogHandle<string>, text: string) => shown(log).includes(text);

test('a peer that may write and not redact: its redaction is refused, what came before is kept, reading goes on [R3, S28]', async () => {
  const { url, asked } = await relay();
  const writer = await openLog(client(url, { token: 'writer' }), 'room');
  const moderator = await openLog(client(url, { token: 'moderator' }), 'room');
  const first = writer.append('first');
  await writer.delivered(first, 'relayed');
  await hasEvents(moderator, 1);
  const asksToRedact = () => asked.filter(({ action }) => action === 'redact').map(({ token }) => token);
  expect(asksToRedact()).toEqual([]);

  const before = writer.append('before');
  const redaction = writer.redact(first.id);
  await expect(writer.delivered(redaction, 'relayed')).rejects.toMatchObject({
    code: 'forbidden',
    message: 'this peer may not redact here [forbidden]',
  });
  expect(writer.delivery(before).state).toBe('relayed');
  expect(writer.error?.code).toBe('forbidden');
  const after = writer.append('after');
  await expect(writer.delivered(after, 'relayed')).rejects.toMatchObject({ code: 'forbidden' });
  // Here it is erased all the same; nobody else has heard of it.
  expect(shown(writer)).toEqual([redaction, 'before', 'after']);
  await hasEvents(moderator, 2);
  expect(shown(moderator)).toEqual(['first', 'before']);
  moderator.append('read this');
  await until(writer, () => has(writer, 'read this'));
  expect(asksToRedact()).toEqual(['writer']);

  // Once somebody who may has redacted it, the writer's redaction erases nothing, and what follows it is taken.
  const allowed = moderator.redact(first.id);
  await moderator.delivered(allowed, 'relayed');
  await until(writer, () => writer.delivery(after).state === 'relayed');
  await until(moderator, () => has(moderator, 'after'));
  expect(writer.error).toBeUndefined();
  for (const log of [writer, moderator]) expect(log.snapshot().at(0)).toMatchObject({ payload: undefined });
  expect(asksToRedact()).toEqual(['writer', 'moderator']);
}, 30_000);

test('what was not sent yet may be deleted by whoever may write', async () => {
  const { url, asked } = await relay();
  const writer = await openLog(client(url, { token: 'writer' }), 'room');
  const { id } = writer.append('a slip');
  await writer.delivered(writer.redact(id), 'relayed');
  expect(asked.map(({ action }) => action)).toEqual(['read', 'write']);
  const reader = await openLog(client(url, { token: 'writer' }), 'room');
  await hasEvents(reader, 1);
  expect(shown(reader)).toEqual(shown(writer));
});

const time = (ms: number) => (Date.now() - 60_000 + ms) * 2048;

/** An event and its redaction by somebody else, as rows. */
function rowsAt(ms: number) {
  const target: Row = { writer: newWriter(), seq: 1, time: time(ms), payload: '"secret"' };
  const deps = [{ writer: target.writer, seq: 1, time: target.time }];
  const redaction = redactionOf(target, { writer: newWriter(), seq: 1, deps });
  return { target, redaction, erased: erasedBy(target, redaction) };
}

const { target, redaction, erased } = rowsAt(0);
const other = rowsAt(1_000);

test.each([
  ['a redaction of an event that is there', [redaction], 'writer', 'forbidden'],
  ['an erased row of an event that is there', [erased], 'writer', 'forbidden'],
  ['a redaction of an event that is not there', [{ ...other.redaction, deps: [] }], 'writer', 'taken'],
  ['an erased row of an event that is not there', [other.erased], 'writer', 'taken'],
  ['both, of an event that is not there', [other.erased, other.redaction], 'writer', 'taken'],
  ['a redaction of an event that is there', [redaction], 'moderator', 'taken'],
  ['an erased row of an event that is there', [erased], 'moderator', 'taken'],
] as const)('%s: %# [R3, S28]', async (_, rows, token, expected) => {
  const { url } = await relay();
  const reader = await openLog(client(url, { token: 'moderator' }), 'room');
  const filler = await RawPeer.connect(url);
  filler.openLog('room', 1);
  const { channel: of } = await filler.message('open');
  filler.send({ kind: 'events', channel: of, blocks: [blockOf([target])] });
  await filler.message('ack');

  const peer = await RawPeer.connect(url);
  peer.openLog('room', 1, [{ kind: 'runs', runs: [] }], token);
  const { channel } = await peer.message('open');
  const bystander: Row = { writer: newWriter(), seq: 1, time: time(-5_000), payload: '"bystander"' };
  peer.send({ kind: 'events', channel, blocks: [blockOf([bystander]), blockOf([...rows])] });
  const names = (writer: WriterId) =>
    peer.message('ack', ({ runs }) => runs.some((run) => run.writer === writer && run.last === 1));
  await names(bystander.writer);
  await until(reader, () => has(reader, 'bystander'));
  if (expected === 'forbidden') {
    const refusal = await peer.message('error');
    expect(refusal).toMatchObject({ code: 'forbidden', message: expect.stringContaining('redact') });
    // What crosses the refusal is not taken, and the session goes on.
    const late: Row = { writer: newWriter(), seq: 1, time: time(2_000), payload: '"late"' };
    peer.send({ kind: 'events', channel, blocks: [blockOf([late])] });
    peer.send({ kind: 'ping', asks: true, now: Date.now() });
    await peer.message('ping');
    expect(has(reader, 'late')).toBe(false);
    expect(has(reader, 'secret')).toBe(true);
  } else if (token === 'moderator') {
    await until(reader, () => !has(reader, 'secret'));
  } else {
    await names((rows[0] as Row).writer);
    expect(has(reader, 'secret')).toBe(true);
    expect(peer.received.filter(({ kind }) => kind === 'error')).toEqual([]);
  }
});

test('devices that may not redact fill an emptied relay with a history of redacted events, at the same time [R3, S28]', async () => {
  const before = await relay();
  const moderator = await openLog(client(before.url, { token: 'moderator' }), 'room');
  // Events in several packed chunks; some are redacted at once, and some at the end.
  for (let i = 0; i < 3_500; i++) {
    const { id } = moderator.append(`event ${i}`);
    if (i % 500 === 7) moderator.redact(id);
  }
  const late = moderator.snapshot().slice(100, 110);
  await moderator.delivered(moderator.append('last'), 'relayed');
  for (const { id } of late) moderator.redact(id);
  await moderator.delivered(moderator.append('end'), 'relayed');

  const after = await relay();
  const devices = [client(before.url, { token: 'writer' }), client(before.url, { token: 'writer' })];
  const histories = await Promise.all(
    devices.map(async (device) => {
      const log = await openLog(device, 'room');
      await until(log, () => log.snapshot().at(-1)?.payload === 'end');
      const bytes = log.log?.encode() as Uint8Array;
      const mover = client(after.url, { token: 'writer' });
      const moved = await openLog(mover, 'room');
      moved.log?.merge(bytes);
      return moved;
    }),
  );
  for (const log of histories) log.append('after the move');
  const newcomer = await openLog(client(after.url, { token: 'writer' }), 'room');
  await until(newcomer, () => shown(newcomer).filter((text) => text === 'after the move').length === 2);
  for (const log of histories) {
    const own = log.snapshot().at(-1)?.id as EventId;
    await until(log, () => log.delivery(own).state === 'relayed');
    expect(log.error).toBeUndefined();
  }
  const there = shown(moderator);
  expect(shown(newcomer).slice(0, there.length)).toEqual(there);
  expect(newcomer.snapshot().map(({ redacted }) => redacted !== undefined)).toContain(true);
  // Whether a payload lies in a packed chunk is not known without reading that: a device may be asked about, once.
  expect(after.asked.filter(({ action }) => action === 'redact').length).toBeLessThanOrEqual(2);
}, 60_000);
