import { expect, test } from 'vitest';
import { countdownLabel, dayLabel, dayNumber, durationLabel, minuteNumber, timeLabel } from './time-label.js';

const at = (year: number, month: number, day: number, hour = 12, minutes = 0) =>
  new Date(year, month - 1, day, hour, minutes).getTime();

test('today and yesterday are called so, whatever the hour', () => {
  const now = at(2026, 3, 10, 0, 5);
  const today = dayNumber(now);
  expect(dayLabel(at(2026, 3, 10, 23, 59), today)).toBe(dayLabel(now, today));
  expect(dayLabel(at(2026, 3, 9, 0, 0), today)).toBe(dayLabel(at(2026, 3, 9, 23, 59), today));
  const labels = [now, at(2026, 3, 9), at(2026, 3, 8)].map((day) => dayLabel(day, today));
  expect(new Set(labels).size).toBe(3);
});

test('other days are dates, with the year when it is another', () => {
  const today = dayNumber(at(2026, 3, 10));
  expect(dayLabel(at(2026, 1, 4), today)).toMatch(/4/);
  expect(dayLabel(at(2026, 1, 4), today)).not.toMatch(/2026/);
  expect(dayLabel(at(2025, 12, 31), today)).toMatch(/2025/);
});

test('a day is one day also when clocks change', () => {
  for (let day = 1; day <= 365; day++) {
    expect(dayNumber(at(2026, 1, day + 1)) - dayNumber(at(2026, 1, day))).toBe(1);
  }
});

test('minutes are told apart by number and by label', () => {
  const noon = at(2026, 3, 10);
  expect(minuteNumber(noon + 59_999)).toBe(minuteNumber(noon));
  expect(minuteNumber(noon + 60_000)).toBe(minuteNumber(noon) + 1);
  expect(timeLabel(noon)).not.toBe(timeLabel(noon + 60_000));
});

test('the countdown rounds up and never goes below now', () => {
  expect(countdownLabel(10_400, 10_000)).toBe('in 1 s');
  expect(countdownLabel(15_000, 10_000)).toBe('in 5 s');
  expect(countdownLabel(10_000, 10_000)).toBe('now');
  expect(countdownLabel(9_000, 10_000)).toBe('now');
});

test('a duration is told in the unit that fits it', () => {
  const day = 86_400_000;
  expect(durationLabel(3 * day + 1000)).toMatch(/^3\D+/);
  expect(durationLabel(1.4 * day)).toMatch(/^34\D+/);
  expect(durationLabel(1000 * day)).toMatch(/^1\D?000\D+/);
  expect(durationLabel(0)).toMatch(/^0\D+/);
});
