import { expect, test, vi } from 'vitest';
import * as ours from './index.js';

test('an error of another copy of core is a GossipError, and nothing else is', async () => {
  vi.resetModules();
  const theirs = await import('./index.js');
  expect(theirs.GossipError).not.toBe(ours.GossipError);
  const error = new theirs.GossipError('storage-failed', 'the disk is full');
  expect(error).toBeInstanceOf(ours.GossipError);
  expect(error).toBeInstanceOf(Error);
  for (const other of [new Error('x'), { code: 'storage-failed' }, null, undefined, 'x', ours.GossipError]) {
    expect(other instanceof ours.GossipError).toBe(false);
  }
  class Special extends ours.GossipError {}
  expect(new Special('clock', 'x')).toBeInstanceOf(ours.GossipError);
  expect(new Special('clock', 'x')).toBeInstanceOf(Special);
  expect(error).not.toBeInstanceOf(Special);
});
