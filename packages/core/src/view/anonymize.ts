/** The transformation `anonymize`. */
import { eventId, type ReplicaId, replicaIdFromBytes } from '../ids.js';
import { replicaIdBytes } from '../limits.js';
import { checkFields } from './check-arguments.js';
import { transformation } from './map-node.js';
import { without } from './omit.js';
import type { Operator } from './view.js';

/**
 * The events without their writers: `replica` and `id` name pseudonyms, which this view gives out one after
 * another as rows are read. They are the same within the view, and say nothing outside of it. Name in `fields` what of
 * the payload tells who wrote it. Times and texts stay: who knows when somebody wrote, or how, may still recognize them.
 */
export function anonymize<T, K extends keyof T = never>(fields: readonly K[] = []): Operator<T, Omit<T, K>> {
  checkFields('anonymize', fields);
  return transformation({
    name: 'anonymize',
    hidesWriter: true,
    bounds: ({ values: _v, writers: _w, ...bounds }) => bounds,
    create() {
      const pseudonyms = new Map<ReplicaId, ReplicaId>();
      return (event) => {
        let replica = pseudonyms.get(event.replica);
        if (replica === undefined) {
          const bytes = new Uint8Array(replicaIdBytes);
          new DataView(bytes.buffer).setUint32(0, pseudonyms.size + 1);
          replica = replicaIdFromBytes(bytes);
          pseudonyms.set(event.replica, replica);
        }
        const payload = without(event.payload, fields);
        return { replica, id: eventId(replica, event.seq), payload };
      };
    },
  });
}
