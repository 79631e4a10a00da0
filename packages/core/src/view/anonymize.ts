/** The transformation `anonymize`. */
import { eventId, type WriterId, writerIdFromBytes } from '../ids.js';
import { writerIdBytes } from '../limits.js';
import { checkFields } from './check-arguments.js';
import { transformation } from './map-node.js';
import { without } from './omit.js';
import type { Operator } from './view.js';

/**
 * The events without their writers: `writer` and `id` name pseudonyms, which this view gives out one after
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
      const pseudonyms = new Map<WriterId, WriterId>();
      return (event) => {
        let writer = pseudonyms.get(event.writer);
        if (writer === undefined) {
          const bytes = new Uint8Array(writerIdBytes);
          new DataView(bytes.buffer).setUint32(0, pseudonyms.size + 1);
          writer = writerIdFromBytes(bytes);
          pseudonyms.set(event.writer, writer);
        }
        const payload = without(event.payload, fields);
        return { writer, id: eventId(writer, event.seq), payload };
      };
    },
  });
}
