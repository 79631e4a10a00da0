/** What went wrong with an app's code, and how a person is told. */
import fc from 'fast-check';

/** Why apps differ. */
export type Cause = keyof typeof advice;

/** An app that followed the history. */
export interface Witness {
  readonly name: string;
  /** Names of events, one text per change that the app was told of. */
  readonly arrivals: readonly string[];
  /** As text, taken when it was looked at. */
  readonly state: string;
}

export interface Fault {
  /** A sentence. */
  readonly what: string;
  readonly cause: Cause;
  /** What happened up to there, in words. */
  readonly steps: readonly string[];
  /** The log, in its order. */
  readonly events: readonly { readonly name: string; readonly payload: unknown }[];
  readonly witnesses: readonly Witness[];
  /** What the app threw. */
  readonly error?: unknown;
}

/** Where a search found a fault. */
export interface Found {
  readonly seed: number;
  readonly path: string | null;
  readonly shrinks: number;
}

const advice = {
  throws:
    'Payloads may come from any version of the app. Check them, and\nreturn the state unchanged when they are not understood.',
  mutation:
    'React and others take the same object for the same state, and events are shared.\nReturn a new state instead.',
  memory:
    'The same events at the same time gave another state.\nSomething else takes part: a variable that outlives a fold, or a source such as performance.now or crypto.',
  world:
    'Another clock or other random numbers gave another state.\nPut the value into the payload when it is appended, or use event.timestamp, which is the same everywhere.',
  arrival:
    'The same events gave another state when they came in another order, or in other batches.\nFold over the snapshot, which is in log order, or make the result independent of the order.',
} as const;

/** No line is longer, and no list shows more lines. */
const shownCharactersMax = 200;
const shownLinesMax = 30;

/** The whole message of an error. */
export function report(fault: Fault, { seed, path, shrinks }: Found): string {
  const width = Math.max(0, ...fault.witnesses.map(({ name }) => name.length));
  const perWitness = (text: (witness: Witness) => string) =>
    fault.witnesses.map((witness) => `${witness.name.padEnd(width)}  ${text(witness)}`);
  return [
    `assertConverges: ${fault.what}`,
    ...section(
      `What happened (shrunk ${shrinks} times)`,
      fault.steps.map((words, i) => `${i + 1}. ${words}`),
    ),
    ...section(
      'The log, in its order',
      fault.events.map(({ name, payload }) => `${name}  ${fc.stringify(payload)}`),
    ),
    ...section(
      'How it arrived ("|" parts one change from the next)',
      perWitness(({ arrivals }) => arrivals.join(' | ')),
    ),
    ...section(
      'What each shows',
      perWitness(({ state }) => state),
    ),
    '',
    advice[fault.cause],
    `To run it again, add to the options: seed: ${seed}${path === null ? '' : `, path: '${path}'`}`,
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const shownLines = lines.slice(0, shownLinesMax);
  if (lines.length > shownLinesMax) shownLines.push(`… ${lines.length - shownLinesMax} more`);
  return ['', `${title}:`, ...shownLines.map((line) => `  ${cut(line)}`)];
}

function cut(text: string): string {
  return text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)} …` : text;
}
