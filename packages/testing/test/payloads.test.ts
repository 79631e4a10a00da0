import { runInNewContext } from 'node:vm';
import { jsonCodec } from '@gossip-log/core';
import { expect, test } from 'vitest';

test.each([
  ['a Blob', new Blob(['x']), 'an instance of Blob'],
  ['a Buffer', Buffer.from('x'), 'an instance of Buffer'],
  ['a URL', new URL('https://example.com'), 'an instance of URL'],
  ['a request', new Request('https://example.com'), 'an instance of Request'],
])('JSON refuses %s of the platform', (_, value, what) => {
  expect(() => jsonCodec.encode({ a: [value] })).toThrow(
    expect.objectContaining({ code: 'payload-unencodable', context: { codec: 'json', path: 'a[0]', value: what } }),
  );
});

test('values of another realm are written or refused as those of this one', () => {
  const foreign = runInNewContext('({ a: [1, { b: "c" }], n: null })');
  expect(jsonCodec.decode(jsonCodec.encode(foreign))).toEqual({ a: [1, { b: 'c' }], n: null });
  for (const source of ['new Map()', 'new Date(0)', 'new (class Point {})()', 'new (class Row extends Array {})()']) {
    expect(() => jsonCodec.encode({ a: runInNewContext(source) }), source).toThrow(
      expect.objectContaining({ code: 'payload-unencodable', context: expect.objectContaining({ path: 'a' }) }),
    );
  }
});
