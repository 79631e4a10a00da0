import fc from 'fast-check';
import { expect, test } from 'vitest';
import { payload } from '../../test/payload.js';
import {
  ada,
  baseTime,
  blockOf,
  blocksIn,
  bob,
  erasedBy,
  eve,
  exported,
  manyRows,
  oneRow,
  type Row,
  redactedRows,
  redactionOf,
  refusal,
  rowsOf,
} from '../../test/sample-blocks.js';
import { createGossipLog, type WriterId, writerIdFromBytes, writerIdToBytes } from '../index.js';
import { blockBytesMax, blockRowsMax, depsMax } from '../limits.js';
import { compareBytes } from '../log/writer-table.js';
import { decodeBlock, joinBlocks, splitBlocks } from './block.js';
import { ByteWriter } from './bytes.js';
import { xxHash32 } from './checksum.js';

/** A checksum that fits: what is wrong must be found by the other rules. */
function resealed(bytes: Uint8Array): Uint8Array {
  const sealed = bytes.slice();
  if (sealed.length < 6) return sealed;
  const out = new ByteWriter();
  out.u32(xxHash32(sealed, sealed[0] ?? 0, 6));
  sealed.set(out.finish(), 2);
  return sealed;
}

/** A block written byte by byte, as the table in `docs/protocol.md` has it. */
function rawBlock(body: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter();
  out.bytes(new Uint8Array(6));
  body(out);
  return resealed(out.finish());
}

/** Header of a block of one writer, up to its writer table. */
function oneWriter(out: ByteWriter, { rows = 1, writer = 1, firstSeq = 1, referenced = 0, time = baseTime } = {}) {
  for (const value of [rows, time, 0, 0, 0, 1, referenced]) out.varint(value);
  out.bytes(new Uint8Array(16).fill(writer));
  out.varint(firstSeq);
}

const withDeps = (deps: NonNullable<Row['deps']>, time = baseTime): Row[] => [
  { writer: ada, seq: 1, time, deps, payload: '' },
];
const dep = (writer: typeof ada, seq: number, age: number) => ({ writer, seq, time: baseTime - age });

test('[B1] [B2] [B3] [B4] blocks of random logs come back as they went', () => {
  const ids = [ada, bob, eve];
  const step = fc.record({ at: fc.nat(2), payload, syncs: fc.array(fc.nat(2), { maxLength: 2 }), ms: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      let ms = 1_700_000_000_000;
      const logs = ids.map((writer) => createGossipLog({ id: 'x', writer, now: () => ms }));
      for (const { at, payload, syncs, ms: passed } of steps) {
        ms += passed;
        const log = logs[at];
        log?.append(payload);
        for (const other of syncs) if (other !== at && log !== undefined) logs[other]?.merge(log.encode());
      }
      for (const log of logs) {
        for (const block of blocksIn(log)) expect(blockOf(rowsOf(block))).toEqual(block);
      }
    }),
    { numRuns: 60 },
  );
});

test('[B1] [B4] the samples come back as they went', () => {
  for (const rows of [oneRow, manyRows, redactedRows]) {
    const expected = rows.map((row) => ({ kind: 0, deps: [], ...row }));
    expect(rowsOf(blockOf(rows))).toEqual(expected);
  }
});

test('[B1] a block cut at any byte, or with a byte more, is refused', () => {
  for (const whole of [blockOf(oneRow), blockOf(manyRows), blockOf(redactedRows)]) {
    for (let length = 0; length < whole.length; length++) {
      expect(
        refusal(() => decodeBlock(whole.subarray(0, length))),
        `cut at ${length}`,
      ).toMatch(/truncated|checksum/);
      const sealed = resealed(whole.subarray(0, length));
      expect(
        refusal(() => decodeBlock(sealed)),
        `sealed, cut at ${length}`,
      ).toMatch(/truncated|invalid|clock|version/);
    }
    expect(refusal(() => decodeBlock(Uint8Array.of(...whole, 0)))).toBe('checksum');
    expect(refusal(() => decodeBlock(resealed(Uint8Array.of(...whole, 0))))).toBe('block-invalid');
  }
});

test('[B1] any flipped bit is found', () => {
  for (const whole of [blockOf(oneRow), blockOf(manyRows), blockOf(redactedRows)]) {
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bytes = whole.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const code = refusal(() => decodeBlock(bytes));
      expect(code, `bit ${bit}`).toBe(bit < 16 ? 'version-unsupported' : 'checksum');
    }
  }
});

test('[B1] [B2] [B3] [B4] with any bits flipped and a checksum that fits, a block is refused or keeps the rules', () => {
  let accepted = 0;
  let refused = 0;
  const tried = (bytes: Uint8Array) => {
    const sealed = resealed(bytes);
    if (refusal(() => decodeBlock(sealed)) !== undefined) {
      refused++;
      return;
    }
    accepted++;
    checkRules(rowsOf(sealed));
  };
  for (const whole of [blockOf(oneRow), blockOf(manyRows), blockOf(redactedRows)]) {
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bytes = whole.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      tried(bytes);
    }
  }
  const whole = blockOf(manyRows);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 6, max: whole.length - 1 }), fc.nat(255)), { maxLength: 6 }),
      (edits) => {
        const bytes = whole.slice();
        for (const [at, value] of edits) bytes[at] = value;
        tried(bytes);
      },
    ),
    { numRuns: 2_000 },
  );
  expect(accepted).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(100);
});

function inByteOrder(a: WriterId, b: WriterId): boolean {
  return compareBytes(writerIdToBytes(a), writerIdToBytes(b)) < 0;
}

function checkRules(rows: readonly Row[]): void {
  const after = (a: Pick<Row, 'time' | 'writer'>, b: Pick<Row, 'time' | 'writer'>) =>
    a.time > b.time || (a.time === b.time && a.writer !== b.writer && inByteOrder(b.writer, a.writer));
  const next = new Map<string, number>();
  rows.forEach((row, i) => {
    const before = rows[i - 1];
    if (before !== undefined) expect(after(row, before)).toBe(true);
    expect(row.seq).toBe(next.get(row.writer) ?? row.seq);
    expect(row.seq).toBeGreaterThan(0);
    next.set(row.writer, row.seq + 1);
    const deps = row.deps ?? [];
    expect(deps.length).toBeLessThanOrEqual(depsMax);
    deps.forEach((named, n) => {
      expect(named.writer).not.toBe(row.writer);
      expect(named.seq).toBeGreaterThan(0);
      expect(named.time).toBeLessThan(row.time);
      const newer = deps[n - 1];
      if (newer !== undefined) expect(after(newer, named)).toBe(true);
    });
  });
}

test('[B1] another version, flag, codec or key epoch is unsupported, not broken', () => {
  const whole = blockOf(oneRow);
  for (const [at, value] of [
    [0, 1],
    [1, 1],
    [1, 2],
    [1, 4],
    [1, 128],
  ] as const) {
    const bytes = whole.slice();
    bytes[at] = value;
    expect(refusal(() => decodeBlock(resealed(bytes)))).toBe('version-unsupported');
  }
  for (const [codec, epoch] of [
    [1, 0],
    [0, 1],
  ] as const) {
    const bytes = rawBlock((out) => {
      for (const value of [1, baseTime, 0, codec, epoch, 1, 0]) out.varint(value);
      out.bytes(new Uint8Array(30));
    });
    expect(refusal(() => decodeBlock(bytes))).toBe('version-unsupported');
  }
});

test('[B2] rows out of order, or twice at one place, are refused', () => {
  const row = (writer: typeof ada, seq: number, time: number): Row => ({ writer, seq, time, payload: '' });
  expect(refusal(() => rowsOf(blockOf([row(ada, 1, baseTime), row(bob, 1, baseTime)])))).toBeUndefined();
  expect(refusal(() => rowsOf(blockOf([row(bob, 1, baseTime), row(ada, 1, baseTime)])))).toBe('clock');
  expect(refusal(() => rowsOf(blockOf([row(ada, 1, baseTime), row(ada, 2, baseTime)])))).toBe('clock');
  // An even token of 0 goes back to the start of the millisecond.
  const back = rawBlock((out) => {
    oneWriter(out, { rows: 2, time: baseTime + 5 });
    out.varint(0);
    out.bytes(new Uint8Array([0, 2, 0, 0, 0, 0]));
  });
  expect(refusal(() => decodeBlock(back))).toMatch(/clock|block-invalid/);
});

test('[B3] sequence number 0, one over the bound, a writer without rows and a writer twice are refused', () => {
  expect(refusal(() => rowsOf(blockOf([{ ...(oneRow[0] as Row), seq: 0 }])))).toBe('block-invalid');
  const last = { ...(oneRow[0] as Row), seq: 0xffffffff };
  expect(rowsOf(blockOf([last]))).toMatchObject([{ seq: 0xffffffff }]);
  expect(refusal(() => rowsOf(blockOf([last, { ...last, seq: 2 ** 32, time: baseTime + 1 }])))).toBe('block-invalid');
  const twoWriters = (second: number, ...slots: number[]) =>
    rawBlock((out) => {
      for (const value of [2, baseTime, 2048, 0, 0, 2, 0]) out.varint(value);
      for (const writer of [1, second]) {
        out.bytes(new Uint8Array(16).fill(writer));
        out.varint(1);
      }
      for (const value of [2, ...slots]) out.varint(value);
      out.bytes(new Uint8Array([0, 2, 0, 0, 0, 0]));
    });
  expect(refusal(() => decodeBlock(twoWriters(2, 0, 1)))).toBeUndefined();
  expect(refusal(() => decodeBlock(twoWriters(2, 0, 0)))).toBe('block-invalid');
  expect(refusal(() => decodeBlock(twoWriters(2, 0, 2)))).toBe('block-invalid');
  expect(refusal(() => decodeBlock(twoWriters(1, 0, 1)))).toBe('block-invalid');
});

test('[B4] dependencies on oneself, on nothing, on the future, out of order or too many are refused', () => {
  const code = (deps: NonNullable<Row['deps']>) => refusal(() => rowsOf(blockOf(withDeps(deps))));
  expect(code([dep(bob, 1, 1), dep(eve, 1, 2)])).toBeUndefined();
  expect(code([dep(ada, 1, 1)])).toBe('block-invalid');
  expect(code([dep(bob, 0, 1)])).toBe('block-invalid');
  expect(code([dep(bob, 2 ** 32, 1)])).toBe('block-invalid');
  expect(code([dep(bob, 1, 0)])).toBe('clock');
  expect(code([dep(bob, 1, baseTime)])).toBeUndefined();
  expect(code([dep(bob, 1, baseTime + 1)])).toMatch(/clock|block-invalid/);
  expect(code([dep(eve, 1, 2), dep(bob, 1, 1)])).toBe('block-invalid');
  expect(code([dep(bob, 1, 1), dep(bob, 1, 1)])).toBe('block-invalid');
  expect(code([dep(bob, 1, 1), dep(eve, 1, 1)])).toBe('block-invalid');
  expect(code([dep(eve, 1, 1), dep(bob, 1, 1)])).toBeUndefined();
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => ({
      ...dep(writerIdFromBytes(new Uint8Array(16).fill(i)), 1, i + 1),
    }));
  expect(code(many(depsMax))).toBeUndefined();
  expect(code(many(depsMax + 1))).toBe('block-invalid');
});

test('[B4] a dependency by distance must point at an older row of another writer', () => {
  const token = (...tokens: number[]) =>
    rawBlock((out) => {
      oneWriter(out);
      out.bytes(new Uint8Array([0, 1]));
      for (const value of tokens) out.varint(value);
      out.varint(0);
    });
  expect(refusal(() => decodeBlock(token(0)))).toBeUndefined();
  expect(refusal(() => decodeBlock(token(1)))).toBe('block-invalid');
  expect(refusal(() => decodeBlock(token(2, 1)))).toBe('block-invalid');
  expect(refusal(() => decodeBlock(token(2, 0, 9, 1, 1)))).toBe('block-invalid');
});

test('[B4] a claimed time is kept as claimed, also beside the row that it claims to name', () => {
  const rows: Row[] = [
    { writer: ada, seq: 1, time: baseTime, kind: 0, deps: [], payload: '' },
    { writer: bob, seq: 1, time: baseTime + 9, kind: 0, deps: [{ writer: ada, seq: 1, time: 5 }], payload: '' },
  ];
  expect(rowsOf(blockOf(rows))).toEqual(rows);
});

test('[B4] a writer that no row names is refused: it would fill a table for nothing', () => {
  const bytes = rawBlock((out) => {
    oneWriter(out, { referenced: 1 });
    out.bytes(new Uint8Array(16).fill(2));
    out.bytes(new Uint8Array([0, 1, 0, 0]));
  });
  expect(refusal(() => decodeBlock(bytes))).toBe('block-invalid');
});

test('[B5] counts and lengths that claim gigabytes are refused before anything is made for them', () => {
  const header = (...values: number[]) =>
    rawBlock((out) => {
      for (const value of values) out.varint(value);
      out.bytes(new Uint8Array(40));
    });
  expect(refusal(() => decodeBlock(header(0)))).toBe('block-invalid');
  expect(refusal(() => decodeBlock(header(blockRowsMax)))).toBe('block-invalid');
  expect(refusal(() => decodeBlock(header(2 ** 40)))).toBe('block-invalid');
  expect(refusal(() => decodeBlock(header(2, baseTime, 0, 0, 0, 3)))).toBe('block-invalid');
  expect(refusal(() => decodeBlock(header(1, baseTime, 0, 0, 0, 0)))).toBe('block-invalid');
  expect(refusal(() => decodeBlock(header(1, baseTime, 0, 0, 0, 1, 8_000)))).toBe('block-invalid');
  expect(refusal(() => decodeBlock(header(1, Number.MAX_SAFE_INTEGER, 1, 0, 0, 1, 0)))).toBe('block-invalid');
  const payloadBytes = rawBlock((out) => {
    oneWriter(out);
    out.bytes(new Uint8Array([0, 1, 0]));
    out.varint(2 ** 50);
  });
  expect(refusal(() => decodeBlock(payloadBytes))).toBe('block-invalid');
  expect(refusal(() => decodeBlock(new Uint8Array(blockBytesMax + 1)))).toBe('block-invalid');
});

test('[B5] a sequence of blocks is split where it was joined; claims over the bound and empty blocks are refused', () => {
  const blocks = [blockOf(oneRow), blockOf(manyRows)];
  expect(splitBlocks(joinBlocks(blocks))).toEqual(blocks);
  expect(splitBlocks(Uint8Array.of(...joinBlocks(blocks), ...joinBlocks(blocks)))).toEqual([...blocks, ...blocks]);
  expect(splitBlocks(new Uint8Array())).toEqual([]);
  const smallest = blockOf([{ writer: ada, seq: 1, time: 1, payload: '' }]);
  expect(splitBlocks(joinBlocks([smallest]))).toEqual([smallest]);
  const claims = (length: number) => {
    const out = new ByteWriter();
    out.varint(length);
    return refusal(() => splitBlocks(out.finish()));
  };
  expect(claims(2 ** 40)).toBe('block-invalid');
  expect(claims(blockBytesMax)).toBe('bytes-truncated');
  expect(claims(smallest.length - 1)).toBe('block-invalid');
  expect(claims(0)).toBe('block-invalid');
});

test('[G1] a refused block leaves the log as it was', () => {
  const log = createGossipLog({ id: 'x', writer: eve, now: () => 1_700_000_700_000 });
  log.merge(exported([blockOf(oneRow)], 'x'));
  log.append('mine');
  const before = { snapshot: log.snapshot(), version: log.version(), bytes: log.encode() };
  let told = 0;
  log.subscribe(() => told++);
  const good: Row = { writer: bob, seq: 1, time: baseTime + 1, payload: '"good"' };
  const unlucky: Row = { writer: ada, seq: 2, time: baseTime + 2, payload: '"fine"' };
  const bad: [blocks: Uint8Array[], code: string][] = [
    // Good rows stand before the bad one, in its block and in a block of their own.
    [[blockOf([good]), blockOf([good]).subarray(0, 30)], 'block-invalid'],
    [[blockOf([good]), resealed(blockOf([unlucky, { ...unlucky, seq: 3 }]))], 'clock'],
    [
      [
        blockOf([
          { ...good, time: baseTime - 2048 },
          { ...unlucky, time: baseTime + 2 ** 50 },
        ]),
      ],
      'early',
    ],
  ];
  for (const [blocks, code] of bad) {
    expect(refusal(() => log.merge(exported(blocks, 'x')))).toBe(code);
    expect(log.snapshot()).toBe(before.snapshot);
    expect(log.version()).toEqual(before.version);
    expect(log.encode()).toEqual(before.bytes);
  }
  expect(told).toBe(0);
  expect(log.merge(exported([blockOf([good])], 'x')).added).toBe(1);
});

test('[B6] the time of the event before comes with a first row, before it, and only where there is such an event', () => {
  const first = { writer: ada, seq: 7, time: baseTime, payload: '""' };
  expect(rowsOf(blockOf([{ ...first, before: baseTime - 1 }]))).toMatchObject([{ before: baseTime - 1 }]);
  expect(rowsOf(blockOf([first]))).toMatchObject([{ before: 0 }]);
  expect(rowsOf(blockOf(oneRow))[0]).not.toHaveProperty('before');
  const aged = (age: number) =>
    rawBlock((out) => {
      oneWriter(out, { firstSeq: 7 });
      for (const value of [age, 0, 1, 0, 0]) out.varint(value);
    });
  expect(refusal(() => decodeBlock(aged(1)))).toBeUndefined();
  expect(refusal(() => decodeBlock(aged(baseTime - 1)))).toBeUndefined();
  expect(refusal(() => decodeBlock(aged(baseTime)))).toBe('clock');
  expect(refusal(() => decodeBlock(aged(Number.MAX_SAFE_INTEGER)))).toBe('clock');
});

const tea: Row = { writer: ada, seq: 3, time: baseTime, before: baseTime - 9, payload: '"Tea?"' };

test('a redaction names an earlier event, and nothing else [B7]', () => {
  const redactions: readonly [Row, string | undefined][] = [
    [redactionOf(tea, { writer: bob, seq: 1 }), undefined],
    [redactionOf(tea, { writer: bob, seq: 1 }, { age: baseTime, atOnce: true }), undefined],
    [redactionOf(tea, { writer: ada, seq: 4 }), undefined],
    // Itself, or a later event of the same writer; nothing later; an event before time.
    [redactionOf(tea, { writer: ada, seq: 3 }), 'block-invalid'],
    [redactionOf(tea, { writer: ada, seq: 2 }), 'block-invalid'],
    [redactionOf(tea, { writer: bob, seq: 1 }, { age: 0 }), 'block-invalid'],
    [redactionOf({ ...tea, time: -1 }, { writer: bob, seq: 1 }, { age: 4 }), 'block-invalid'],
    [redactionOf({ ...tea, seq: 0 }, { writer: bob, seq: 1 }), 'block-invalid'],
  ];
  for (const [row, code] of redactions) expect(refusal(() => decodeBlock(blockOf([row])))).toBe(code);

  const good = redactionOf(tea, { writer: bob, seq: 1 });
  const { payload } = good as { payload: Uint8Array };
  const withPayload = (bytes: Uint8Array) => refusal(() => decodeBlock(blockOf([{ ...good, payload: bytes }])));
  for (let length = 0; length < payload.length; length++) {
    expect(withPayload(payload.slice(0, length))).toBe('bytes-truncated');
  }
  expect(withPayload(Uint8Array.of(...payload, 0))).toBe('block-invalid');
  expect(withPayload(Uint8Array.of(2, ...payload.slice(1)))).toBe('block-invalid');
});

test('an erased row has the redaction of exactly that row, which tells no time before [B8]', () => {
  const redaction = redactionOf(tea, { writer: bob, seq: 7 });
  const refused = (row: Row) => refusal(() => decodeBlock(blockOf([row])));
  expect(refused(erasedBy(tea, redaction))).toBeUndefined();
  const holding = (payload: Uint8Array): Row => ({ ...tea, kind: 128, payload });
  const wrong: readonly Row[] = [
    erasedBy({ ...tea, seq: 4 }, redaction),
    erasedBy({ ...tea, time: baseTime + 1 }, redaction),
    erasedBy({ ...tea, writer: eve }, redaction),
    { ...erasedBy(tea, redaction), kind: 129 },
    { ...erasedBy(tea, redaction), kind: 255 },
    holding(blockOf([{ ...redaction, before: baseTime }])),
    holding(blockOf([{ ...redaction, kind: 0 }])),
    holding(blockOf([{ ...redaction, kind: 2 }])),
    holding(blockOf([redaction, { ...redaction, seq: 8, time: redaction.time + 1 }])),
    holding(Uint8Array.of(...blockOf([redaction]), 0)),
    holding(redaction.payload as Uint8Array),
    { ...tea, kind: 128, payload: 'x'.repeat(60) },
  ];
  expect(wrong.map(refused).filter((code) => code === undefined)).toEqual([]);
  for (let length = 0; length < 60; length++)
    expect(refused(holding(blockOf([redaction]).slice(0, length)))).toBeDefined();
});

test('erased rows do not lie in one another: a hostile block costs no stack [B5, B8]', () => {
  let row: Row = redactionOf(tea, { writer: bob, seq: 7 });
  for (let depth = 0; depth < 2_000; depth++) row = { ...tea, kind: 128, payload: blockOf([row]) };
  expect(refusal(() => decodeBlock(blockOf([row])))).toBe('block-invalid');
});
