/** Reads vitest's JSON report. */

/**
 * How many tests passed and failed. Skipped and unfinished ones count as failed, and so does a file that did not load,
 * a run that failed for a reason of its own (an unhandled error), and a report that is missing or holds no test.
 *
 * @param {string | undefined} text the report; `undefined` where there is none
 * @param {boolean} ok whether vitest ended well
 * @returns {{ passed: number, failed: number }}
 */
export function countTests(text, ok) {
  if (text === undefined) return { passed: 0, failed: 1 };
  /** @type {{ testResults: { status: string, assertionResults: { status: string }[] }[] }} */
  const { testResults } = JSON.parse(text);
  const statuses = testResults.flatMap(({ status, assertionResults }) =>
    assertionResults.length === 0 ? [status] : assertionResults.map((result) => result.status),
  );
  const passed = statuses.filter((status) => status === 'passed').length;
  const failed = statuses.length - passed;
  const unexplained = failed === 0 && (!ok || passed === 0);
  return { passed, failed: unexplained ? 1 : failed };
}
