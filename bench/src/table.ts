/** Results as tables in Markdown, which read well in a terminal too. */
import { type Defeat, defeats, median, type Results, type Row } from './results.js';
import type { Workload } from './workload.js';

/** One table for each workload: a line for each system, a column for each figure. */
export function tables(results: Results, workloads: readonly Workload[]): string {
  return workloads
    .flatMap((workload) => {
      const rows = results.rows.filter((row) => row.workload === workload.name);
      const absent = results.absent.filter((absence) => absence.workload === workload.name);
      if (rows.length + absent.length === 0) return [];
      return [
        `### ${workload.title}`,
        drawRows(rows, workload),
        ...bullets([
          ...absent.map(({ system, why }) => `**${system}** is missing: ${why}.`),
          ...[...new Set(rows.map(({ system }) => system))].flatMap((system) => {
            const note = results.notes[system]?.[workload.name];
            return note === undefined ? [] : [`**${system}**: ${note}`];
          }),
        ]),
      ];
    })
    .join('\n\n');
}

/** Where gossip-log is not first, and by how much. */
export function standing(rows: readonly Row[]): string {
  const lost = defeats(rows);
  const judged = rows.filter(({ system, isDetail }) => system === 'gossip-log' && isDetail === undefined);
  const line = ({ row, best, by }: Defeat) => {
    const times = Number.isFinite(by) ? `${short(by)} times` : 'beyond any ratio';
    const smaller =
      best.count === row.count
        ? ''
        : `, at ${best.count.toLocaleString('en')} instead of ${row.count.toLocaleString('en')}`;
    return `${row.workload}, ${row.name}: ${best.system} is ahead ${times} (${number(median(best.values))} to ${number(median(row.values))} ${row.unit}${smaller}).`;
  };
  return lost.length === 0
    ? `A peer is ahead of gossip-log in none of ${judged.length} figures.`
    : [
        `A peer is ahead of gossip-log in ${lost.length} of ${judged.length} figures:`,
        '',
        ...lost.map((defeat) => `- ${line(defeat)}`),
      ].join('\n');
}

/** What holds for a system in every workload. */
export function notes(results: Results): string {
  return bullets(
    Object.entries(results.notes).flatMap(([system, { all }]) =>
      all === undefined ? [] : [`**${system}** (${results.versions[system]}). ${all}`],
    ),
  ).join('\n');
}

/** The machine and the versions of a run, in a sentence. */
export function circumstances({ date, commit, changed, scale, seconds, machine, versions }: Results): string {
  const { cpu, cores, memoryGiB, platform } = machine;
  return [
    `Of ${date}, commit ${commit}${changed ? ' with changes' : ''}, in ${(seconds / 60).toFixed(0)} minutes`,
    `on ${cores} cores of ${cpu}, ${memoryGiB} GiB, ${platform}, Node ${versions['node']}${scale === 1 ? '' : `, at ${scale} of the size`}.`,
  ].join(' ');
}

function drawRows(rows: readonly Row[], workload: Workload): string {
  const names = [...new Set(rows.map(({ name }) => name))];
  const unitOf = (name: string) => rows.find((row) => row.name === name)?.unit ?? '';
  const what = workload.counts ?? 'events';
  const lines = [...new Set(rows.map(({ system }) => system))].map((system) => {
    const own = rows.filter((row) => row.system === system);
    return [
      system,
      (own[0]?.count ?? 0).toLocaleString('en'),
      ...names.map((name) => {
        const row = own.find((candidate) => candidate.name === name);
        return row === undefined ? '' : cell(row);
      }),
    ];
  });
  return draw([['', what, ...names.map((name) => `${name}, ${unitOf(name)}`)], ...lines]);
}

function cell({ values }: Row): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const middle = number(median(values));
  return number(low) === number(high) ? middle : `${middle} (${number(low)} to ${number(high)})`;
}

function draw([head = [], ...lines]: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, 3, ...lines.map((line) => (line[i] as string).length)));
  const row = (cells: readonly string[]) =>
    `| ${cells.map((text, i) => text.padEnd(widths[i] as number)).join(' | ')} |`;
  return [row(head), row(widths.map((width) => '-'.repeat(width))), ...lines.map(row)].join('\n');
}

function bullets(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [lines.map((line) => `- ${line}`).join('\n')];
}

export function number(value: number): string {
  if (Math.abs(value) >= 1_000) return Number(value.toPrecision(3)).toLocaleString('en');
  return Number(value.toPrecision(3)).toString();
}

function short(value: number): string {
  return Number(value.toPrecision(2)).toLocaleString('en');
}
