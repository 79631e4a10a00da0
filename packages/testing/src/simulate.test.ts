import { afterEach, expect, test, vi } from 'vitest';
import { run, Violation } from './sim/index.js';
import { simulate, type simulatedFaults } from './simulate.js';

vi.mock('./sim/index.js', async (original) => {
  const simulator = await original<typeof import('./sim/index.js')>();
  return { ...simulator, run: vi.fn(simulator.run) };
});

afterEach(() => {
  vi.mocked(run).mockClear();
});

test('[L8] a seed gives the same run again, another seed another one', async () => {
  const [one, again, other] = [await simulate({ seed: 1 }), await simulate({ seed: 1 }), await simulate({ seed: 2 })];
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
  expect(one.steps).toBeGreaterThan(0);
});

test('only faults that are named happen, to no more nodes than are wanted', async () => {
  await simulate({ seed: 3, nodes: 2, faults: ['cut', 'crash'] });
  await simulate({ seed: 4, nodes: 3, faults: [] });
  const [first, second] = vi.mocked(run).mock.calls.map(([plan]) => plan);
  expect(['cut', 'crash']).toEqual(expect.arrayContaining([...(first?.faults ?? [])]));
  expect(first?.apps.length).toBeLessThanOrEqual(2);
  expect(second?.faults).toEqual([]);
  expect(new Set(second?.steps.map((step) => step.do))).toEqual(new Set(['append']));
});

test('a broken law is an error that names it, the plan, and how to run it again', async () => {
  const broken = new Violation('L4', 'an event is gone');
  vi.mocked(run).mockResolvedValueOnce({ violation: broken, counts: new Map(), steps: 1, callbacks: 0, virtualMs: 0 });
  const error = await simulate({ seed: 5, nodes: 2, faults: ['crash'] }).catch((reason: Error) => reason);
  expect(error).toMatchObject({ cause: broken });
  const { message } = error as Error;
  expect(message).toContain('simulate: [L4] an event is gone\n\nseed 5: ');
  expect(message).toContain('simulate({ seed: 5, nodes: 2, faults: ["crash"] })');
});

test('options that make no sense are refused', async () => {
  await expect(simulate({ seed: -1 })).rejects.toThrow(RangeError);
  await expect(simulate({ seed: 1, nodes: 1 })).rejects.toThrow(RangeError);
  await expect(simulate({ seed: 1, faults: ['flood' as (typeof simulatedFaults)[number]] })).rejects.toThrow(
    RangeError,
  );
});
