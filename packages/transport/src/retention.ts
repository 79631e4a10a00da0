/** How much of its logs a node keeps, as its owner says it. */
import { checkOptions } from '@gossip-log/core';
import type { Retention } from '@gossip-log/core/sync';

const bounds = ['ageMsMax', 'eventsMax', 'bytesMax'] as const;

/** For all logs of a node, or for each by its name; `undefined` keeps all of a log. */
export type RetentionOption = Retention | ((log: string) => Retention | undefined);

/**
 * What is kept of a log; `undefined` for all of it.
 *
 * @throws RangeError for a bound that is not a number from 0 up.
 */
export function retentionOf(option: RetentionOption | undefined, log: string): Retention | undefined {
  const retention = typeof option === 'function' ? option(log) : option;
  if (retention !== undefined) checkRetention(retention);
  return retention;
}

/** @throws RangeError, TypeError when it is none. */
export function checkRetention(retention: Retention): void {
  checkOptions('retention', retention, { ageMsMax: 'any', eventsMax: 'any', bytesMax: 'any' });
  for (const name of bounds) {
    const bound: unknown = retention[name];
    if (bound !== undefined && !(Number.isFinite(bound) && (bound as number) >= 0)) {
      throw new RangeError(`retention.${name}: expected a number from 0 up, got ${bound}`);
    }
  }
}
