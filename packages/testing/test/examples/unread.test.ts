import { readFileSync } from 'node:fs';
import { assertConverges, type Reducer } from '@gossip-log/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';

type Message = { text: string } | { read: true };

/** Messages since somebody last read. */
const unread: Reducer<Message, number> = (count, { payload }) => ('read' in payload ? 0 : count + 1);

const payloads: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ text: fc.string() }),
  fc.constant({ read: true as const }),
);

test('[A1] counted on arrival, unread messages differ from device to device, and the report says how', () => {
  let report = '';
  try {
    assertConverges(unread, { initial: 0, payloads, seed: 1 });
  } catch (error) {
    report = (error as Error).message;
  }
  expect(report).toMatchInlineSnapshot(`
    "assertConverges: ada and bob hold the same 2 events and show different states.

    What happened (shrunk 13 times):
      1. ada appends {"read":true}
      2. bob appends {"text":""}
      3. ada receives 1 event from bob
      4. bob receives 1 event from ada

    The log, in its order:
      ada.1  {"read":true}
      bob.1  {"text":""}

    How it arrived ("|" parts one change from the next):
      ada         ada.1 | bob.1
      bob         bob.1 | ada.1
      a newcomer  ada.1 bob.1

    What each shows:
      ada         1
      bob         0
      a newcomer  1

    The same events gave another state when they came in another order, or in other batches.
    Fold over the snapshot, which is in log order, or make the result independent of the order.
    To run it again, add to the options: seed: 1, path: '0:2:2:0:0:0:1:4:3:3:5:5:5:5'"
  `);
  expect(readFileSync(new URL('../../README.md', import.meta.url), 'utf8')).toContain(report);
});

test('[A1] counted over the snapshot, they are the same everywhere', () => {
  assertConverges(unread, { initial: 0, payloads, fold: 'snapshot' });
});
