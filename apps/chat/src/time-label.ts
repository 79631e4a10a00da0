/** How moments are written. The zone and the language are the reader's. */

const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const thisYear = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const otherYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

const dayMs = 86_400_000;

/** `14:05`. */
export function timeLabel(timestamp: number): string {
  return clock.format(timestamp);
}

/** The moment in full, for tooltips. */
export function momentLabel(timestamp: number): string {
  return full.format(timestamp);
}

/** `Today`, `Yesterday`, `Monday, 3 March`, `3 March 2024`. `today` is the number of the day that it is now. */
export function dayLabel(timestamp: number, today: number): string {
  const days = dayNumber(timestamp) - today;
  if (days === 0 || days === -1) return capitalised(relative.format(days, 'day'));
  const sameYear = new Date(timestamp).getFullYear() === new Date(today * dayMs).getUTCFullYear();
  return (sameYear ? thisYear : otherYear).format(timestamp);
}

/** Days since 1970 in the reader's zone: equal for two moments of one day. */
export function dayNumber(timestamp: number): number {
  const date = new Date(timestamp);
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / dayMs);
}

/** Minutes since 1970. */
export function minuteNumber(timestamp: number): number {
  return Math.floor(timestamp / 60_000);
}

/** `in 5 s`; `now` when it is due. */
export function countdownLabel(at: number, now: number): string {
  const seconds = Math.ceil((at - now) / 1000);
  return seconds <= 0 ? 'now' : `in ${seconds} s`;
}

const units = [
  ['day', dayMs],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** `3 days`, `1 hour`: rounded, in the largest unit that it fills twice, or else the smaller one. */
export function durationLabel(ms: number): string {
  const [unit, size] = units.find(([, size]) => ms >= 2 * size) ?? units[units.length - 1] ?? ['minute', 60_000];
  const count = Math.round(ms / size);
  return new Intl.NumberFormat(undefined, { style: 'unit', unit, unitDisplay: 'long' }).format(count);
}

function capitalised(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}
