/** What an attack cost, whether its aims are met, and the table of it. */
import type { Aim, Attack } from './attack.js';

export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What the relay's process says of itself. Bytes and milliseconds. */
export interface RelayMeasure {
  readonly cpuMs: number;
  /** The longest time in which it ran without a turn of the event loop. */
  readonly blockMs: number;
  readonly rssPeak: number;
  readonly rss: number;
  /** In use once garbage is collected: heap, and buffers beside it. */
  readonly used: number;
  readonly errors: number;
  readonly errorSamples: readonly string[];
  /** What was said of peers, to `onNotice`. */
  readonly notices: number;
  /** Calls of `authorize` at the same time, at most. */
  readonly authorizing: number;
  readonly metrics: Readonly<Record<string, unknown>>;
}

export interface Check {
  readonly what: string;
  readonly holds: boolean;
}

export interface Report {
  readonly attack: string;
  readonly seconds: number;
  readonly bytesSent: number;
  readonly bytesOut: number;
  readonly cpuMs: number;
  readonly blockMs: number;
  /** The longest block before the attack. */
  readonly quietBlockMs: number;
  readonly growth: number;
  readonly kept: number;
  readonly diskGrowth: number;
  readonly authorizing: number;
  readonly quiet: Latency;
  readonly attacked: Latency;
  readonly unshown: number;
  /** How often honest users lost their connection. */
  readonly lost: number;
  /** How the relay's process ended, unless it went on. */
  readonly relayEnded: string | undefined;
  readonly attackerTold: readonly (readonly [string, number])[];
  /** What `onError`, `onNotice` and the metrics said, and the lines printed. */
  readonly errors: number;
  readonly errorSamples: readonly string[];
  readonly notices: number;
  readonly lines: number;
  /** Control characters in those lines. */
  readonly rawControls: number;
  readonly counted: Readonly<Record<string, number>>;
  readonly checks: readonly Check[];
}

export interface Verdict {
  readonly name: string;
  readonly value: number;
  readonly max: number;
  readonly met: boolean;
}

const mebibyte = 1024 * 1024;

/** Below that, what a busy machine does to two processes says nothing of an attack. */
const p99MsMin = 10;

/** What must hold in every attack from one address. */
const commonAims: readonly Aim[] = [
  {
    name: 'honest p99, times quiet',
    max: 2,
    of: ({ quiet, attacked }) => attacked.p99 / Math.max(quiet.p99, p99MsMin),
  },
  { name: 'longest block, ms', max: 50, of: ({ blockMs }) => blockMs },
  { name: 'growth, MiB', max: 64, of: ({ growth }) => growth / mebibyte },
  { name: 'kept, MiB', max: 8, of: ({ kept }) => kept / mebibyte },
  { name: 'honest connections lost', max: 0, of: ({ lost }) => lost },
  { name: 'honest messages not shown', max: 0, of: ({ unshown }) => unshown },
  { name: 'relays ended', max: 0, of: ({ relayEnded }) => (relayEnded === undefined ? 0 : 1) },
  { name: 'checks failed', max: 0, of: ({ checks }) => checks.filter(({ holds }) => !holds).length },
];

/** Aims that hold whatever else the machine does: those that a test may judge. */
const untimed = new Set(['honest messages not shown', 'relays ended', 'checks failed']);

export function judge({ aims = [] }: Pick<Attack, 'aims'>, report: Report, { timed = true } = {}): Verdict[] {
  const own = new Set(aims.map(({ name }) => name));
  return [...commonAims.filter(({ name }) => !own.has(name)), ...aims]
    .filter(({ name }) => timed || untimed.has(name) || own.has(name))
    .map(({ name, max, of }) => {
      const value = of(report);
      return { name, value, max, met: value <= max };
    });
}

const ms = (value: number) => (value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en'));
const mb = (bytes: number) => (bytes / mebibyte).toFixed(Math.abs(bytes) < 10 * mebibyte ? 1 : 0);
const size = (bytes: number) =>
  bytes < 10_000 ? `${bytes} B` : bytes < mebibyte ? `${Math.round(bytes / 1024)} KiB` : `${mb(bytes)} MiB`;
const counts = (told: readonly (readonly [string, number])[]) =>
  told.map(([what, times]) => (times === 1 ? what : `${what} ×${times.toLocaleString('en')}`)).join(', ') || 'nothing';

/** What the operator can see of it. */
function operatorTold({ lines, errors, notices, counted, rawControls }: Report): string {
  const parts = [
    ...(lines > 0 ? [`${lines.toLocaleString('en')} lines${rawControls > 0 ? ', with control characters' : ''}`] : []),
    ...(errors > 0 ? [`onError ×${errors.toLocaleString('en')}`] : []),
    ...(notices > 0 ? [`onNotice ×${notices.toLocaleString('en')}`] : []),
    ...Object.entries(counted).map(([name, value]) => `${name} ${value.toLocaleString('en')}`),
  ];
  return parts.join(', ') || 'nothing';
}

function honestTold({ lost, unshown, checks }: Report): string {
  const parts = [
    ...(lost > 0 ? [`${lost} connections lost`] : []),
    ...(unshown > 0 ? [`${unshown} messages not shown`] : []),
    ...checks.map(({ what, holds }) => `${what}: ${holds ? 'yes' : '**no**'}`),
  ];
  return parts.join('; ') || 'nothing';
}

export function table(runs: readonly { readonly report: Report; readonly verdicts: readonly Verdict[] }[]): string {
  const head = [
    ...['attack', 'sent', 'processor, ms', 'longest block, ms', 'growth, MiB', 'kept, MiB'],
    ...['honest p50, quiet → attacked, ms', 'honest p99, quiet → attacked, ms'],
    ...['the attacker was told', 'the honest user', 'the operator', 'aims missed'],
  ];
  const rows = runs.map(({ report, verdicts }) => {
    const { quiet, attacked } = report;
    const missed = verdicts.filter(({ met }) => !met).map(({ name }) => name);
    return [
      ...[
        report.attack,
        size(report.bytesSent),
        ms(report.cpuMs),
        ms(report.blockMs),
        mb(report.growth),
        mb(report.kept),
      ],
      ...[`${ms(quiet.p50)} → ${ms(attacked.p50)}`, `${ms(quiet.p99)} → ${ms(attacked.p99)}`],
      ...[counts(report.attackerTold), report.relayEnded ?? honestTold(report), operatorTold(report)],
      missed.join(', ') || 'none',
    ];
  });
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
}

export function verdictLines(verdicts: readonly Verdict[]): string[] {
  return verdicts.map(({ name, value, max, met }) => {
    return `  ${met ? 'met   ' : 'missed'} ${name}: ${ms(value)}, at most ${ms(max)}`;
  });
}
