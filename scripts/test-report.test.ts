import { expect, test } from 'vitest';
import { countTests } from './test-report.mjs';

const file = (status: string, ...results: string[]) => ({
  status,
  assertionResults: results.map((result) => ({ status: result })),
});
const report = (...testResults: ReturnType<typeof file>[]) => JSON.stringify({ testResults });

test('passed and failed tests are summed over all files', () => {
  const text = report(file('passed', 'passed', 'passed'), file('failed', 'passed', 'failed'));
  expect(countTests(text, false)).toEqual({ passed: 3, failed: 1 });
});

test('a skipped or unfinished test counts as failed', () => {
  expect(countTests(report(file('passed', 'passed', 'skipped', 'todo')), true)).toEqual({ passed: 1, failed: 2 });
});

test('a file that does not load counts as failed', () => {
  expect(countTests(report(file('failed'), file('passed', 'passed')), false)).toEqual({ passed: 1, failed: 1 });
});

test('a run that fails although every test passed counts as failed', () => {
  expect(countTests(report(file('passed', 'passed')), false)).toEqual({ passed: 1, failed: 1 });
});

test('no report, and a report without a test, count as failed', () => {
  expect(countTests(undefined, true)).toEqual({ passed: 0, failed: 1 });
  expect(countTests(report(), true)).toEqual({ passed: 0, failed: 1 });
});
