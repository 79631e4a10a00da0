import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryHistory, type History } from './history.js';
import { playHistory } from './play-history.js';

const payloads = fc.nat(9);

test('[L1] whatever the history, all logs hold the same events in the end, and every kind of step was reached', () => {
  const words: string[] = [];
  let late = 0;
  fc.assert(
    fc.property(arbitraryHistory(payloads, { replicasMax: 6 }), (history) => {
      const arrived = new Map<string, Set<string>>();
      const replicas = playHistory(history, {
        step: (step) => words.push(step),
        opened: ({ name, log }) => arrived.set(name, new Set([...log.snapshot()].map(({ id }) => id))),
        changed({ name, log }, fresh) {
          if (log.snapshot().at(-1) !== fresh.at(-1)) late++;
          for (const { id } of fresh) arrived.get(name)?.add(id);
        },
      });
      const appended = history.steps.filter((step) => step.do === 'append').length;
      for (const { name, log } of replicas) {
        expect(log.encode()).toEqual(replicas[0]?.log.encode());
        expect(log.length).toBe(appended);
        expect(arrived.get(name)?.size).toBe(appended);
      }
    }),
    // So many that the rarest kind of step comes up many times over.
    { numRuns: 500 },
  );
  expect(late).toBeGreaterThan(0);
  for (const kind of ['appends', 'of cleo from', 'must wait for others', 'clock is set', 'ms pass', 'restarts']) {
    expect(words.some((step) => step.includes(kind))).toBe(true);
  }
});

test('a history shrinks to the fewest steps, by the first replicas', () => {
  const details = fc.check(
    fc.property(arbitraryHistory(payloads), (history) => {
      const heard: string[] = [];
      playHistory(history, {
        changed: ({ name }, fresh) => heard.push(...fresh.map(({ payload }) => `${name}${payload}`)),
      });
      return !heard.includes('bob7');
    }),
    { seed: 1 },
  );
  const shortest: History<number> = { replicas: 2, steps: [{ do: 'append', at: 0, payload: 7 }] };
  expect(details.counterexample).toEqual([shortest]);
});

test('a restarted log is another object, with all that it held', () => {
  const opened: [string, number][] = [];
  playHistory<string>(
    {
      replicas: 2,
      steps: [
        { do: 'append', at: 0, payload: 'one' },
        { do: 'restart', at: 0 },
      ],
    },
    { opened: ({ name, log }) => opened.push([name, log.length]) },
  );
  expect(opened).toEqual([
    ['ada', 0],
    ['bob', 0],
    ['ada', 1],
  ]);
});
