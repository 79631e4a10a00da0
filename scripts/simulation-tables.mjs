/** What reports of the simulator count together, as the tables of `docs/reliability.md`. */
import { readFileSync } from 'node:fs';

/** @param {number} figure */
const withCommas = (figure) => figure.toLocaleString('en');

/** @param {string} title @param {[string, number][]} rows */
function printTable(title, rows) {
  console.log(`\n| ${title} | times |\n| --- | --- |`);
  for (const [what, times] of rows) console.log(`| ${what} | ${withCommas(times)} |`);
}

/** @param {string[]} files reports that `npm run simulate -- --report` has written */
export function printTables(files) {
  /** @typedef {{ runs: number, steps: number, callbacks: number, virtualMs: number, counts: Record<string, number>, broken: Record<string, number[]> }} Report */
  /** @type {Report[]} */
  const reports = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  /** @param {'runs' | 'steps' | 'callbacks' | 'virtualMs'} figure */
  const sum = (figure) => reports.reduce((total, report) => total + report[figure], 0);
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const report of reports) {
    for (const [what, times] of Object.entries(report.counts)) counts.set(what, (counts.get(what) ?? 0) + times);
  }
  const violations = reports.flatMap(({ broken }) => Object.values(broken).flat());
  const hours = Math.round(sum('virtualMs') / 3_600_000);
  console.log(
    `${withCommas(sum('runs'))} runs, ${withCommas(violations.length)} violations: ${withCommas(sum('steps'))} steps, ` +
      `${withCommas(sum('callbacks'))} callbacks, ${withCommas(hours)} hours of virtual time.`,
  );
  const rows = [...counts].sort();
  const prefix = 'fault: ';
  /** @type {[string, number][]} */
  const faults = rows
    .filter(([what]) => what.startsWith(prefix))
    .map(([what, times]) => [what.slice(prefix.length), times]);
  printTable('fault', faults);
  printTable(
    'what happened',
    rows.filter(([what]) => !what.startsWith(prefix)),
  );
}
