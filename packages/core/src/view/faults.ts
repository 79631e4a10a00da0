/** What functions given to a view threw: each reported with its event, the newest kept. */
import { GossipError } from '../errors.js';
import type { LogEvent } from '../event.js';
import { viewErrorsMax } from '../limits.js';

/** @internal */
export class Faults {
  /** A new list after each report. */
  list: readonly GossipError[] = [];
  /** How many were reported. */
  count = 0;

  /** Of a redacted event it is not kept: functions that count on a payload throw there. */
  report(name: string, { id, redacted }: LogEvent, cause: unknown): GossipError {
    const error = new GossipError('view-threw', `${name}: the function given to it threw at event ${id}`, {
      context: { operator: name, id },
      cause,
    });
    return redacted === undefined ? this.add(error) : error;
  }

  add(error: GossipError): GossipError {
    this.count++;
    this.list = [...this.list, error].slice(-viewErrorsMax);
    return error;
  }
}
