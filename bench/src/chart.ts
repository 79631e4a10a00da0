/** The chart of the README: a panel for each of some figures, a bar for each system, as SVG that follows light and dark. */
import { median, type Results, type Row } from './results.js';
import { number } from './table.js';
import { betterOf } from './workload.js';

interface Panel {
  readonly title: string;
  readonly workload: string;
  readonly name: string;
}

const panels: readonly Panel[] = [
  { title: 'Append, one by one', workload: 'append', name: 'one by one' },
  { title: 'Merge of ten writers, all read', workload: 'merge', name: 'all read' },
  { title: 'Live update, there and read', workload: 'live', name: 'there and read' },
  { title: 'Updates in random order', workload: 'random-order', name: 'one by one' },
  { title: 'Size, compressed by gzip', workload: 'size', name: 'gzip' },
  { title: 'Memory, merged and unread', workload: 'memory', name: 'merged: heap and external' },
  { title: 'Small sync: bytes beyond payload', workload: 'small-sync', name: 'beyond payload' },
  { title: 'Relay, to a thousand sockets', workload: 'fan-out', name: 'delivered' },
];

const [width, margin, columnGap, rowHeight, titleHeight, panelGap] = [860, 16, 32, 20, 30, 18];
const columnWidth = (width - 2 * margin - columnGap) / 2;
const [nameWidth, valueWidth] = [112, 88];

/** Lengths are logarithms: between the fastest and the slowest lie four powers of ten. */
export function chart({ rows, commit, machine }: Results): string {
  const drawn = panels.flatMap((panel) => {
    const own = rows.filter((row) => row.workload === panel.workload && row.name === panel.name);
    return own.length === 0 ? [] : [{ panel, rows: own.toSorted((a, b) => byMerit(a, b)) }];
  });
  const parts: string[] = [];
  let y = margin + 24;
  for (let i = 0; i < drawn.length; i += 2) {
    const pair = drawn.slice(i, i + 2);
    for (const [column, { panel, rows: own }] of pair.entries()) {
      parts.push(drawPanel(panel, own, margin + column * (columnWidth + columnGap), y));
    }
    y += titleHeight + Math.max(...pair.map(({ rows: own }) => own.length)) * rowHeight + panelGap;
  }
  const height = y + margin;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>gossip-log beside its peers</title>
<style>
svg{font:13px system-ui,sans-serif;--ink:#1f2328;--soft:#59636e;--bar:#afb8c1;--own:#0a7ea4;--floor:#d8dee4}
@media(prefers-color-scheme:dark){svg{--ink:#e6edf3;--soft:#9198a1;--bar:#57606a;--own:#3fb6dc;--floor:#30363d}}
text{fill:var(--ink)}.soft{fill:var(--soft);font-size:12px}.title{font-weight:600}
.bar{fill:var(--bar)}.own{fill:var(--own)}.floor{fill:var(--floor)}.mine{font-weight:600}
</style>
<text class="soft" x="${margin}" y="${margin + 6}">Median of one run, logarithmic, the best on top. Commit ${commit}, ${machine.cores} cores. Floor: no replication at all.</text>
${parts.join('\n')}
</svg>
`;
}

function drawPanel({ title }: Panel, rows: readonly Row[], x: number, y: number): string {
  const values = rows.map((row) => Math.max(median(row.values), 1e-9));
  const isMore = betterOf((rows[0] as Row).unit) === 'more';
  // The smallest bar keeps a length that can be seen.
  const low = Math.log10(Math.max(Math.min(...values), Math.max(...values) / 1e6)) - 0.3;
  const high = Math.max(Math.log10(Math.max(...values)), low + 0.5);
  const most = columnWidth - nameWidth - valueWidth;
  const lines = rows.map((row, i) => {
    const top = y + titleHeight + i * rowHeight;
    const value = values[i] as number;
    const length = Math.max(3, ((Math.log10(value) - low) / (high - low)) * most);
    const kind = row.system === 'gossip-log' ? 'own' : row.system === 'floor' ? 'floor' : 'bar';
    const mine = kind === 'own' ? ' class="mine"' : '';
    return [
      `<text x="${x}" y="${top}"${mine}>${row.system}</text>`,
      `<rect class="${kind}" x="${x + nameWidth}" y="${top - 11}" width="${length.toFixed(1)}" height="13" rx="2"/>`,
      `<text class="soft" x="${(x + nameWidth + length + 6).toFixed(1)}" y="${top}">${number(median(row.values))}</text>`,
    ].join('');
  });
  const unit = `${(rows[0] as Row).unit}, ${isMore ? 'more' : 'less'} is better`;
  return [
    `<text class="title" x="${x}" y="${y + 4}">${title}</text>`,
    `<text class="soft" x="${x + columnWidth}" y="${y + 4}" text-anchor="end">${unit}</text>`,
    ...lines,
  ].join('\n');
}

function byMerit(a: Row, b: Row): number {
  const difference = median(b.values) - median(a.values);
  return betterOf(a.unit) === 'more' ? difference : -difference;
}
