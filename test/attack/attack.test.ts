/**
 * The short form of `npm run attack`: a part of each attack whose bound is built, against a real relay. What is judged holds on
 * any machine: the relay goes on, honest users see their messages, and what the attack says must hold does.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attacks, Suite } from './suite.js';

let suite: Suite;
beforeAll(async () => {
  suite = await Suite.prepare(join(fileURLToPath(import.meta.url), '../../..'));
});
afterAll(() => suite.close());

describe('a hostile peer ends its own session at most', () => {
  const built = attacks.filter(({ isOpen }) => isOpen !== true).map((attack) => [attack.name, attack] as const);
  test.concurrent.each(built)('%s [R4] [L6] [L7]', async (_name, attack) => {
    const { verdicts, report } = await suite.run(attack, { short: true });
    const missed = verdicts.filter(({ met }) => !met);
    expect({ missed, broken: report.checks.filter(({ holds }) => !holds) }).toEqual({ missed: [], broken: [] });
    // It did what it is there for.
    expect(report.bytesSent).toBeGreaterThan(0);
    expect(report.attacked.count).toBeGreaterThan(0);
  });
});

test('names of attacks differ', () => {
  expect(new Set(attacks.map(({ name }) => name)).size).toBe(attacks.length);
});
