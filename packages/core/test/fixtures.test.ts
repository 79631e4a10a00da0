/**
 * Frozen bytes: what any version wrote, every later version reads. `UPDATE_FIXTURES=1 npx vitest run --project unit
 * packages/core/test/fixtures.test.ts` makes them anew, which `docs/decisions/0005-frozen-bytes.md` allows or not.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeMessage, encodeMessage, type Message } from '../src/codec/message.js';
import { fromHex, toHex } from './frames.js';
import { blockOf, manyRows, messages, oneRow, type Row, rowsOf } from './sample-blocks.js';

declare const process: { readonly env: Readonly<Record<string, string | undefined>> };

const folder = join(import.meta.dirname, 'fixtures');

/** Name → what the bytes hold. */
const blocks: Readonly<Record<string, readonly Row[]>> = {
  'block-one-row': oneRow,
  'block-many-rows': manyRows,
};
const frames: Readonly<Record<string, Message>> = Object.fromEntries(
  Object.entries(messages).map(([kind, message]) => [`frame-${kind}`, message]),
);

function frozen(name: string, written: Uint8Array): Uint8Array {
  const path = join(folder, `${name}.hex`);
  if (process.env['UPDATE_FIXTURES'] === '1') writeFileSync(path, toHex(written));
  return fromHex(readFileSync(path, 'utf8'));
}

test.each(Object.entries(blocks))('[B1] [B6] %s is read as it was written, and written as it was', (name, rows) => {
  const bytes = frozen(name, blockOf(rows));
  expect(rowsOf(bytes)).toEqual(rows.map((row) => ({ kind: 0, deps: [], ...row })));
  expect(toHex(blockOf(rowsOf(bytes)))).toBe(toHex(bytes));
});

test.each(Object.entries(frames))('[S4] %s is read as it was written, and written as it was', (name, message) => {
  const bytes = frozen(name, encodeMessage(message));
  expect(decodeMessage(bytes)).toEqual(message);
  expect(toHex(encodeMessage(decodeMessage(bytes) as Message))).toBe(toHex(bytes));
});

test('[B1] every fixture is read by a test', () => {
  const names = [...Object.keys(blocks), ...Object.keys(frames)].map((name) => `${name}.hex`);
  expect(readdirSync(folder).sort()).toEqual(names.sort());
});
