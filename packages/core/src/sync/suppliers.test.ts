import { expect, test } from 'vitest';
import { writerIdFromBytes } from '../ids.js';
import { absentRunsMax } from '../limits.js';
import { Suppliers } from './suppliers.js';

const ada = writerIdFromBytes(new Uint8Array(16).fill(1));
const run = { writer: ada, first: 5, last: 7 };
const event = { ...run, time: 70 };

test('[K3] the deepest peer is asked first, the next once it has said absent, and in the end the edge rises', () => {
  const suppliers = new Suppliers<string>();
  expect(suppliers.search([event], [])).toEqual({ ask: new Map(), rise: undefined, isPending: false });
  suppliers.opened('shallow', 90);
  suppliers.opened('deep', 0);
  suppliers.opened('middle', 80);
  for (const peer of ['deep', 'middle', 'shallow']) {
    expect(suppliers.search([event], []).ask).toEqual(new Map([[peer, [run]]]));
    expect(suppliers.search([event], [])).toEqual({ ask: new Map(), rise: undefined, isPending: false });
    suppliers.lacks(peer, [{ writer: ada, first: 7, last: 7 }]);
  }
  expect(suppliers.isInDoubt).toBe(true);
  expect(suppliers.search([event], [])).toEqual({ ask: new Map(), rise: 80, isPending: false });
  // Who opens the log anew may have it by now; who has left is not waited for, but its edge counts.
  suppliers.opened('deep', 0);
  suppliers.left('middle');
  expect(suppliers.search([event], []).ask).toEqual(new Map([['deep', [run]]]));
  suppliers.left('deep');
  expect(suppliers.search([event], []).rise).toBe(80);
});

test('[K4] who is told anew is asked at once, and not once more when it answers', () => {
  const suppliers = new Suppliers<string>();
  suppliers.opened('whole', 0);
  suppliers.asked('whole', [run]);
  suppliers.lacks('whole', [run]);
  suppliers.tellsAnew();
  expect(suppliers.search([], [event]).ask).toEqual(new Map([['whole', [run]]]));
  suppliers.opened('whole', 0);
  expect(suppliers.search([], [event])).toEqual({ ask: new Map(), rise: undefined, isPending: true });
  suppliers.opened('whole', 0);
  expect(suppliers.search([], [event]).ask).toEqual(new Map([['whole', [run]]]));
});

test('[K3] without an edge above what is missing nothing rises: it is on its way', () => {
  const suppliers = new Suppliers<string>();
  suppliers.opened('whole', 0);
  suppliers.asked('whole', [run]);
  suppliers.lacks('whole', [run]);
  expect(suppliers.search([event], [])).toEqual({ ask: new Map(), rise: undefined, isPending: false });
});

test('[K4] what lies below the edge is asked for of the deepest peer, then of others, who may hold a part of it', () => {
  const suppliers = new Suppliers<string>();
  suppliers.opened('shallow', 90);
  suppliers.opened('deep', 60);
  for (const peer of ['deep', 'shallow']) {
    const ask = new Map([[peer, [run]]]);
    expect(suppliers.search([], [event])).toEqual({ ask, rise: undefined, isPending: true });
    expect(suppliers.search([], [event])).toEqual({ ask: new Map(), rise: undefined, isPending: true });
    suppliers.lacks(peer, [run]);
  }
  expect(suppliers.search([], [event])).toEqual({ ask: new Map(), rise: undefined, isPending: false });
});

test('a peer that says what it was not asked, or the same again, says nothing new [K3]', () => {
  const suppliers = new Suppliers<string>();
  suppliers.opened('whole', 0);
  expect(suppliers.lacks('whole', [run])).toBe(false);
  expect(suppliers.lacks('stranger', [run])).toBe(false);
  expect(suppliers.isInDoubt).toBe(false);
  suppliers.asked('whole', [run]);
  expect(suppliers.lacks('whole', [{ writer: ada, first: 8, last: 9 }])).toBe(false);
  expect(suppliers.lacks('whole', [run])).toBe(true);
  expect(suppliers.lacks('whole', [run])).toBe(false);
  expect(suppliers.lacks('whole', [{ writer: ada, first: 6, last: 6 }])).toBe(false);
});

test('of what a peer says it does not have so much is remembered [K3] [L7]', () => {
  const suppliers = new Suppliers<string>();
  suppliers.opened('whole', 0);
  suppliers.asked('whole', [{ writer: ada, first: 1, last: 10_000 }]);
  // Were all of it kept, each run would be held against all before.
  for (let seq = 2; seq < 10_000; seq += 2) {
    expect(suppliers.lacks('whole', [{ writer: ada, first: seq, last: seq }])).toBe(true);
  }
  const isLacking = (seq: number) => !suppliers.lacks('whole', [{ writer: ada, first: seq, last: seq }]);
  expect(isLacking(9_998)).toBe(true);
  expect(isLacking(10_000 - 2 * absentRunsMax)).toBe(true);
  expect(isLacking(2)).toBe(false);
});
