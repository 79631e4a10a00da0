import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { dayLabel } from './time-label.js';
import { useToday } from './today.js';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const beforeMidnight = new Date(2026, 2, 10, 23, 59, 30).getTime();

beforeEach(() => {
  vi.useFakeTimers({ now: beforeMidnight });
  onTestFinished(() => {
    vi.useRealTimers();
  });
});

const Day = () => dayLabel(beforeMidnight, useToday());

/** The label of a day, on a page that stays open. */
function dayOnPage(): () => string | null {
  const host = document.createElement('div');
  const root = createRoot(host);
  onTestFinished(() => act(() => root.unmount()));
  act(() => root.render(<Day />));
  return () => host.textContent;
}

test('today becomes yesterday at midnight, with nothing else happening', () => {
  const label = dayOnPage();
  const today = label();
  act(() => vi.advanceTimersByTime(90_000));
  expect(label()).not.toBe(today);
  act(() => vi.advanceTimersByTime(86_400_000));
  expect(label()).toMatch(/10/);
});

test('a page whose timers slept over midnight is right once it is looked at', () => {
  const label = dayOnPage();
  const today = label();
  vi.setSystemTime(beforeMidnight + 8 * 3_600_000);
  act(() => {
    document.dispatchEvent(new Event('visibilitychange'));
  });
  expect(label()).not.toBe(today);
});
