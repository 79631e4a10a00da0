import { expect, test } from 'vitest';
import { numberedId, PackedNode } from '../../test/packed-node.js';
import { readNow } from '../../test/read-now.js';
import { ada, baseTime, blockOf, bob, erasedBy, eve, type Row, redactionOf } from '../../test/sample-blocks.js';

const rows = [1, 2, 3].map((seq): Row => ({ writer: ada, seq, time: baseTime + seq * 10, payload: `"${seq}"` }));
const [first, second, third] = rows as [Row, Row, Row];
const ofSecond = redactionOf(second, { writer: bob, seq: 2 });
const before: Row = { writer: bob, seq: 1, time: baseTime + 40, payload: '"before"' };
const after: Row = { writer: bob, seq: 3, time: ofSecond.time + 1, payload: '"after"' };
const none: ReadonlySet<string> = new Set();
const told = (row: Row) => ({ ...row, before: baseTime + 10 });

function nodeWith(...blocks: Uint8Array[]) {
  const node = new PackedNode(numberedId(1));
  node.receive(blocks);
  node.store();
  return node;
}

const payloads = (node: PackedNode) => [...node.log.snapshot()].flatMap(({ payload }) => payload ?? []);

test('a block is taken up to the first row that would erase a payload here, and stored so [G11]', () => {
  const node = nodeWith(blockOf(rows));
  const receipt = node.log.receive(
    [blockOf([before, ofSecond, after]), blockOf([{ ...after, writer: eve, seq: 1 }])],
    false,
    none,
  );
  expect(receipt).toMatchObject({
    added: 1,
    redacts: false,
    refused: { code: 'forbidden', context: { action: 'redact' } },
  });
  expect(receipt.runs.map(({ writer, first, last }) => [writer, first, last])).toEqual([[bob, 1, 1]]);
  const text = receipt.entries.map(({ block }) => new TextDecoder('utf-8').decode(block)).join('');
  expect([text.includes('before'), text.includes('after')]).toEqual([true, false]);
  node.hold(receipt.entries);
  node.store();
  node.restart();
  expect(payloads(node)).toEqual(['1', '2', '3', 'before']);
  // Sent once more by a peer that may.
  expect(node.log.receive([blockOf([before, ofSecond, after])])).toMatchObject({ added: 2, redacts: true });
  expect(payloads(node)).toEqual(['1', '3', 'before', 'after']);
});

test.each([
  ['a redaction', [told(ofSecond)], 'forbidden'],
  ['an erased row', [told(erasedBy(second, ofSecond))], 'forbidden'],
  [
    'a redaction of what is not here',
    [redactionOf({ ...third, seq: 4, time: third.time + 10 }, { writer: bob, seq: 1 })],
    undefined,
  ],
  [
    'a redaction of another event under that number',
    [redactionOf({ ...second, time: second.time + 1 }, { writer: bob, seq: 1 })],
    undefined,
  ],
  [
    'an erased row that is new',
    [erasedBy({ ...first, writer: eve }, redactionOf({ ...first, writer: eve }, { writer: bob, seq: 1 }))],
    undefined,
  ],
  [
    'an event and its redaction in one block',
    [{ ...first, writer: eve }, redactionOf({ ...first, writer: eve }, { writer: bob, seq: 1 })],
    undefined,
  ],
] as const)('%s from a peer that may not redact: %# [G11]', (_, block, code) => {
  const node = nodeWith(blockOf(rows));
  const receipt = node.log.receive([blockOf([...block])], false, none);
  expect(receipt.refused?.code).toBe(code);
  expect(payloads(node)).toEqual(expect.arrayContaining(['1', '2', '3']));
});

test('what is erased here already may be redacted again by any peer, and its erased row may come again [G11]', () => {
  const node = nodeWith(blockOf(rows), blockOf([redactionOf(second, { writer: bob, seq: 1 })]));
  for (const block of [blockOf([told(erasedBy(second, ofSecond))]), blockOf([{ ...ofSecond, writer: eve, seq: 1 }])]) {
    expect(node.log.receive([block], false, none).refused).toBeUndefined();
  }
});

/** Ada's events in packed chunks that are not in memory; those of `erased` are erased. */
function packedNode(...erased: number[]) {
  const many = Array.from({ length: 3_000 }, (__, i): Row => {
    const row: Row = { writer: ada, seq: i + 1, time: baseTime + (i + 1) * 10, payload: `"${i}"` };
    return erased.includes(i) ? erasedBy(row, redactionOf(row, { writer: bob, seq: 1 }, { age: 40_000 })) : row;
  });
  const node = nodeWith(blockOf(many));
  for (let step = 0; step < 5; step++) node.pack(false);
  node.restart();
  expect(node.log.length).toBeLessThan(2_900);
  const plain = { ...(many[7] as Row), kind: 0, payload: '"7"' };
  return { node, plain };
}

test('what lies in a packed chunk is read to tell whether its payload is there [G11]', () => {
  for (const erased of [[], [7]]) {
    const { node, plain } = packedNode(...erased);
    const redaction = redactionOf(plain, { writer: eve, seq: 1 }, { age: 50_000 });
    const blocks = [blockOf([redaction])];
    // Without reading it counts as there.
    expect(node.log.receive(blocks, false, none).refused?.code).toBe('forbidden');
    const known = readNow(node.log.erasedAmong(blocks), node.chunks);
    expect(known.size).toBe(erased.length);
    expect(node.log.receive(blocks, false, known).refused?.code).toBe(erased.length === 0 ? 'forbidden' : undefined);
  }
});
