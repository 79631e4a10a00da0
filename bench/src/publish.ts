/** A whole run goes into the documents: tables between two markers, the chart beside them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Results } from './results.js';
import { circumstances, notes, standing, tables } from './table.js';
import type { Workload } from './workload.js';

const [start, end] = ['<!-- bench:start -->', '<!-- bench:end -->'];

/** @param root the repository */
export function publish(results: Results, workloads: readonly Workload[], chart: string, root: string): void {
  const document = join(root, 'docs/performance.md');
  const text = [circumstances(results), standing(results.rows), notes(results), tables(results, workloads)].join(
    '\n\n',
  );
  writeFileSync(document, between(readFileSync(document, 'utf8'), text));
  writeFileSync(join(root, 'docs/images/benchmark.svg'), chart);
}

/** The document with other text between its markers. */
export function between(document: string, text: string): string {
  const [from, to] = [document.indexOf(start), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the document lacks ${start} and ${end}`);
  return `${document.slice(0, from + start.length)}\n\n${text}\n\n${document.slice(to)}`;
}
