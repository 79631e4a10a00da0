/** Writing without reading: for a composer, a button. */
import type { LogEvent } from '@gossip-log/core';
import type { OpenOptions } from '@gossip-log/transport';
import { useEffect } from 'react';
import { useLog } from './use-log.js';

const nothingOfIt = { last: 0 };

/**
 * Keeps a log open while the component is mounted and returns its `append`, the same function until node or id
 * changes. The component does not render when the log changes, and without a `window` none of it is read into memory.
 *
 * `append` returns the event. It throws `log-not-ready` while the log is opening and when `id` is `null`.
 *
 * @example
 * ```tsx
 * import { useAppend } from '@gossip-log/react';
 *
 * export function Wave({ room }: { room: string }) {
 *   const append = useAppend<{ text: string }>(room);
 *   return <button type="button" onClick={() => append({ text: '👋' })}>Wave</button>;
 * }
 * ```
 */
export function useAppend<T = unknown>(id: string | null, options?: OpenOptions<T>): (payload: T) => LogEvent<T> {
  const log = useLog(id, { window: nothingOfIt, ...options });
  useEffect(() => log.retain(), [log]);
  return log.actions.append;
}
