import { expect, test } from 'vitest';
import { LogLines, linesPerSecondMax } from './log-lines.js';

function lines() {
  const written: string[] = [];
  const timers: (() => void)[] = [];
  const log = new LogLines((line) => written.push(line), {
    now: () => 0,
    elapsed: () => 0,
    randomBytes: (length) => new Uint8Array(length),
    setTimer: (_ms, callback) => {
      timers.push(callback);
      return () => undefined;
    },
  });
  const second = () => {
    for (const due of timers.splice(0)) due();
  };
  return { log, written, second };
}

test('a flood is cut off and counted, and the next second has its lines [L7]', () => {
  const { log, written, second } = lines();
  for (let i = 0; i < 100_000; i++) log.line(`${i}`);
  expect(written).toHaveLength(linesPerSecondMax);
  second();
  expect(written.at(-1)).toBe(`relay: ${100_000 - linesPerSecondMax} more lines in this second were left out`);
  log.line('later');
  expect(written.at(-1)).toBe('later');
  second();
  expect(written.at(-1)).toBe('later');
});

test('a text of a peer makes one line, without escapes', () => {
  const { log, written } = lines();
  log.line('it says: all is well\n\u001b[2Jrelay: stopped');
  expect(written).toEqual(['it says: all is well\\u{a}\\u{1b}[2Jrelay: stopped']);
});
