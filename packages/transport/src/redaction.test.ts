import type { EventId } from '@gossip-log/core';
import { MemoryDisk } from '@gossip-log/storage/memory';
import { expect, onTestFinished, test } from 'vitest';
import { append, closeNodes, joined, nodeOn, texts } from '../test/nodes-on-disks.js';
import { until } from '../test/until.js';

test('an app redacts an event: others see it erased, and the redaction is delivered like an event', async () => {
  onTestFinished(async () => void (await closeNodes()));
  const { relay, app } = joined(new MemoryDisk());
  const there = relay.open<string>('tea');
  const here = app.open<string>('tea');
  expect(() => here.redact(`${'A'.repeat(22)}.1` as never)).toThrow(expect.objectContaining({ code: 'log-not-ready' }));
  await Promise.all([there.ready, here.ready]);

  const event = here.append('Secret');
  const redaction = here.redact(event.id, { now: true });
  expect(here.redact(event.id)).toBe(redaction);
  await here.delivered(redaction, 'relayed');
  expect(here.delivery(redaction)).toEqual({ state: 'relayed', node: 'relay' });
  await until(there, () => there.snapshot().at(0)?.redacted !== undefined);
  for (const log of [here, there]) {
    expect(log.snapshot().at(0)).toMatchObject({ id: event.id, payload: undefined, redacted: { id: redaction } });
  }
  here.release();
  expect(() => here.redact(event.id)).toThrow(expect.objectContaining({ code: 'log-closed' }));
});

test('a redaction outlives a restart', async () => {
  onTestFinished(async () => void (await closeNodes()));
  const disk = new MemoryDisk();
  const before = nodeOn(disk).open<string>('tea');
  await before.ready;
  const { id } = before.append('Secret');
  await before.delivered(id);
  const redaction = before.redact(id);
  await before.delivered(redaction);
  await closeNodes();
  const after = nodeOn(disk).open<string>('tea');
  await after.ready;
  expect(after.snapshot().at(0)).toMatchObject({ id, payload: undefined, redacted: { id: redaction } });
});

test('a feed gives what was redacted without its payload, and no redactions [F3]', async () => {
  onTestFinished(async () => void (await closeNodes()));
  const { relay, app } = joined(new MemoryDisk());
  const log = relay.open<string>('tea');
  await log.ready;
  const event = log.append('Secret');
  log.redact(event.id);
  const last = log.append('Tea?');
  await log.delivered(last);
  const feed = app.feed<string>('tea');
  expect((await feed.next()).value).toMatchObject({
    id: event.id,
    payload: undefined,
    redacted: { timestamp: expect.any(Number) },
  });
  expect((await feed.next()).value).toMatchObject({ id: last.id, payload: 'Tea?' });
  expect(feed.cursor).toEqual({ [last.writer]: [last.seq, last.clock] });
  await feed.return();
});

test.each([
  ['in memory', 40],
  ['packed', 3_000],
])('a redaction crosses the gap of one who was away, however late it came: %s [S27]', async (_, missed) => {
  onTestFinished(async () => void (await closeNodes()));
  const [relayDisk, awayDisk, lateDisk] = [new MemoryDisk(), new MemoryDisk(), new MemoryDisk()];
  const [first, second, third] = await (async () => {
    const { app } = joined(relayDisk, awayDisk);
    const log = app.open<string>('tea');
    await append(log, texts(0, 10), 'relayed');
    return [0, 4, 7].map((at) => log.snapshot().at(at)?.id as EventId) as [EventId, EventId, EventId];
  })();
  await closeNodes();
  // One more has them, and redacts one while it is offline.
  const late = joined(relayDisk, lateDisk).app.open<string>('tea');
  await until(late, () => late.snapshot().length === 10);
  await late.delivered(third);
  await closeNodes();
  const offline = nodeOn(lateDisk).open<string>('tea');
  await offline.ready;
  await offline.delivered(offline.redact(second));
  await closeNodes();
  // Much happens before and after another redaction.
  const busy = joined(relayDisk).app.open<string>('tea');
  await until(busy, () => busy.snapshot().length === 10);
  await append(busy, texts(10, 10 + missed / 2));
  await busy.delivered(busy.redact(first));
  await append(busy, texts(10 + missed / 2, 10 + missed), 'relayed');
  await closeNodes();

  const back = joined(relayDisk, awayDisk);
  const log = back.app.open<string>('tea', { catchUpEventsMax: 5 });
  await until(log, () => log.hasGap && log.log?.get(first)?.redacted !== undefined);
  expect(log.snapshot().length).toBeLessThan(20);
  expect(log.log?.get(second)?.payload).toBeDefined();
  await closeNodes();
  // What comes late, below the edge, is told the next time.
  const comes = joined(relayDisk, lateDisk).app.open<string>('tea');
  await until(comes, () => comes.log !== undefined && comes.snapshot().length === 10 + missed);
  await comes.delivered(comes.log?.get(second)?.redacted?.id as EventId, 'relayed');
  await closeNodes();
  const again = joined(relayDisk, awayDisk);
  const opened = again.app.open<string>('tea', { catchUpEventsMax: 5 });
  await until(opened, () => opened.log?.get(second)?.redacted !== undefined);
  expect(opened.hasGap).toBe(true);
  await closeNodes();
  // It is kept, and nothing is sent for it when both have the same.
  const last = joined(relayDisk, awayDisk);
  const kept = last.app.open<string>('tea', { catchUpEventsMax: 5 });
  await kept.ready;
  expect([first, second].map((id) => kept.log?.get(id)?.payload)).toEqual([undefined, undefined]);
  await append(kept, ['Tea?'], 'relayed');
  expect(last.traffic.bytes).toBeLessThan(600);
  expect(kept.log?.get(third)?.payload).toBe(texts(7, 8)[0]);
});
