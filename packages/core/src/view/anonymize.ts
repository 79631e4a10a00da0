/** The transformation `anonymize`. */
import type { RedactedBy } from '../event.js';
import { eventId, parseEventId, type WriterId, writerIdFromBytes } from '../ids.js';
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
      const pseudonymOf = (writer: WriterId): WriterId => {
        const known = pseudonyms.get(writer);
        if (known !== undefined) return known;
        const bytes = new Uint8Array(writerIdBytes);
        new DataView(bytes.buffer).setUint32(0, pseudonyms.size + 1);
        const made = writerIdFromBytes(bytes);
        pseudonyms.set(writer, made);
        return made;
      };
      const hidden = ({ id, writer, timestamp }: RedactedBy): RedactedBy => {
        const by = pseudonymOf(writer);
        return Object.freeze({ id: eventId(by, parseEventId(id).seq), writer: by, timestamp });
      };
      return (event) => {
        const writer = pseudonymOf(event.writer);
        const redacted = event.redacted && hidden(event.redacted);
        return { writer, id: eventId(writer, event.seq), payload: without(event.payload, fields), redacted };
      };
    },
  });
}
