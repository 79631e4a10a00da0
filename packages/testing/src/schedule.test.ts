import { memoryStorage } from '@gossip-log/storage/memory';
import { createGossipNode, memoryPair } from '@gossip-log/transport';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitrarySchedule, Schedule } from './schedule.js';
import { arbitraryTopology } from './topology.js';

test('a schedule mixes wires, and keeps the order on each side of a wire', async () => {
  const schedule = new Schedule([2, 0, 1, 0]);
  const arrived: string[] = [];
  const wires = [schedule.wire(), schedule.wire()] as const;
  for (const name of ['a', 'b']) {
    wires[0](() => arrived.push(`${name} left`), 'left');
    wires[0](() => arrived.push(`${name} right`), 'right');
    wires[1](() => arrived.push(`${name} other`), 'left');
  }
  await schedule.settle();
  expect(arrived).toEqual(['a other', 'a left', 'a right', 'b left', 'b right', 'b other']);
  expect(schedule.delivered).toBe(6);
});

test('[L1] real nodes converge on any network, whatever arrives first', async () => {
  let deliveries = 0;
  await fc.assert(
    fc.asyncProperty(arbitraryTopology(), arbitrarySchedule(), async ({ nodes, links }, schedule) => {
      const pairs = links.map(([a, b]) => ({ a, b, ...memoryPair({ deliver: schedule.wire() }) }));
      const all = Array.from({ length: nodes }, (_, i) => {
        const connections = pairs.flatMap(({ a, b, left, right }) => (a === i ? [left] : b === i ? [right] : []));
        return createGossipNode({ storage: memoryStorage(), connections });
      });
      const logs = all.map((node) => node.open<number>('room'));
      await Promise.all(logs.map((log) => log.ready));
      for (const [i, log] of logs.entries()) log.append(i);
      await schedule.settle();
      const shown = logs.map((log) => log.snapshot().map((event) => event.payload));
      const closing = Promise.all(all.map((node) => node.close()));
      await schedule.settle();
      await closing;
      deliveries += schedule.delivered;
      for (const each of shown) expect(each).toEqual(shown[0]);
      expect(shown[0]).toHaveLength(nodes);
    }),
    { numRuns: 20 },
  );
  expect(deliveries).toBeGreaterThan(100);
});
