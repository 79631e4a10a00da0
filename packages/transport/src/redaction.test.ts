import { MemoryDisk } from '@gossip-log/storage/memory';
import { expect, onTestFinished, test } from 'vitest';
import { closeNodes, joined, nodeOn } from '../test/nodes-on-disks.js';
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
