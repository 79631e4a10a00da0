/** Today's ratios against recorded ones: figures alone would compare machines and their moods. */
import { readFileSync } from 'node:fs';
import { advantage, median, type Results, type Row } from './results.js';

/** So much of a ratio may be lost. */
const lossMax = 0.2;

interface Ratio {
  readonly name: string;
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** How gossip-log stands to every other system, process by process: those of one round ran near each other in time. */
function ratios(rows: readonly Row[]): Map<string, Ratio> {
  const result = new Map<string, Ratio>();
  const own = rows.filter(({ system, isDetail }) => system === 'gossip-log' && isDetail === undefined);
  for (const row of own) {
    for (const other of rows) {
      if (other.workload !== row.workload || other.name !== row.name || other.system === 'gossip-log') continue;
      const each = row.values.map((value, i) => advantage(value, other.values[i] ?? median(other.values), row.unit));
      const name = `${row.workload}, ${row.name}, to ${other.system}`;
      result.set(name, { name, median: median(each), low: Math.min(...each), high: Math.max(...each) });
    }
  }
  return result;
}

/** Ratios that are worse by more than a fifth, where the spreads of then and now do not meet. */
export function losses(now: readonly Row[], then: readonly Row[]): { now: Ratio; before: Ratio }[] {
  const before = ratios(then);
  return [...ratios(now).values()].flatMap((ratio) => {
    const old = before.get(ratio.name);
    if (old === undefined || !Number.isFinite(old.median)) return [];
    const isLoss = ratio.median < old.median * (1 - lossMax) && ratio.high < old.low;
    return isLoss ? [{ now: ratio, before: old }] : [];
  });
}

/** @returns whether nothing was lost */
export function compare(results: Results, recorded: string, tell: (line: string) => void): boolean {
  const then = JSON.parse(readFileSync(recorded, 'utf8')) as Results;
  const lost = losses(results.rows, then.rows);
  const held = [...ratios(results.rows).keys()].filter((name) => ratios(then.rows).has(name)).length;
  tell(`\n${held} ratios compared with those of ${then.date}, commit ${then.commit}.`);
  for (const { now, before: old } of lost) {
    tell(
      `✗ ${now.name}: ${now.median.toPrecision(2)} (up to ${now.high.toPrecision(2)}), was ${old.median.toPrecision(2)} (down to ${old.low.toPrecision(2)})`,
    );
  }
  tell(lost.length === 0 ? '✓ none lost more than 20 %.' : `${lost.length} lost more than 20 %.`);
  return lost.length === 0 && held > 0;
}
