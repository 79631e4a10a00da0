/** Rows as a table in Markdown, which reads well in a terminal too. */
import type { Row } from './runner.js';

/** A ratio says how the figure stands to its floor: 0.5 × of a rate is half as fast, 2 × of bytes is twice as many. */
export function table(rows: readonly Row[]): string {
  const head = ['workload', '', 'median (min to max)', 'warm', 'unit', 'aim', 'floor', '× floor', 'warm'];
  const lines = rows.map((row) => [
    row.workload,
    row.name,
    `${number(row.median)} (${number(row.min)} to ${number(row.max)})`,
    row.unit === 'events/s' && row.warm !== undefined ? number(row.warm) : '',
    row.unit,
    row.aim === undefined ? '' : number(row.aim),
    row.floor === undefined ? '' : `${number(row.floor.median)} ${row.floor.name}`,
    row.floor === undefined ? '' : ratio(row.median, row.floor.median),
    row.floor?.warm === undefined || row.warm === undefined ? '' : ratio(row.warm, row.floor.warm),
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map((line) => (line[i] as string).length)));
  const draw = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] as number)).join(' | ')} |`;
  return [draw(head), draw(widths.map((width) => '-'.repeat(width))), ...lines.map(draw)].join('\n');
}

function number(value: number): string {
  if (Math.abs(value) >= 1_000) return Number(value.toPrecision(3)).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 100 ? 0 : 2);
}

function ratio(value: number, floor: number): string {
  return Number((value / floor).toPrecision(2)).toString();
}
