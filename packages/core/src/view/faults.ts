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

  report(name: string, { id }: LogEvent, cause: unknown): GossipError {
    return this.add(
      new GossipError('view-threw', `${name}: the function given to it threw at event ${id}`, {
        context: { operator: name, id },
        cause,
      }),
    );
  }

  add(error: GossipError): GossipError {
    this.count++;
    this.list = [...this.list, error].slice(-viewErrorsMax);
    return error;
  }
}
