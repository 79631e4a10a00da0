/** Loro: one list of plain values. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LoroDoc } from 'loro-crdt';
import { versionOf } from './version.mjs';

class Replica {
  constructor(writer) {
    this.doc = new LoroDoc();
    this.doc.setPeerId(BigInt(writer + 1));
    this.events = this.doc.getList('events');
  }

  append(event) {
    this.events.push(event);
    this.doc.commit();
  }

  receive(parts) {
    if (parts.length === 1) this.doc.import(parts[0]);
    else this.doc.importBatch([...parts]);
  }

  take() {
    if (this.updates === undefined) this.doc.subscribeLocalUpdates((update) => this.updates.push(update));
    const taken = this.updates ?? [];
    this.updates = [];
    return taken;
  }

  length() {
    return this.events.length;
  }

  newest(count) {
    const { length } = this.events;
    if (count >= length) return this.events.toJSON();
    return Array.from({ length: count }, (_, i) => this.events.get(length - count + i));
  }

  /** As its documentation shows: versions there and back, then what the other lacks. */
  async sync(other) {
    const startedAt = performance.now();
    const versions = [this.doc.version(), other.doc.version()];
    const known = versions.map((version) => version.encode());
    const [toOther, toThis] = [
      this.doc.export({ mode: 'update', from: versions[1] }),
      other.doc.export({ mode: 'update', from: versions[0] }),
    ];
    other.doc.import(toOther);
    this.doc.import(toThis);
    const bytes = [...known, toOther, toThis].reduce((sum, { length }) => sum + length, 0);
    return { bytes, messages: 4, roundTrips: 1, seconds: (performance.now() - startedAt) / 1000 };
  }
}

const file = (folder) => join(folder, 'document');

/** @type {import('../src/system.js').System} */
export const system = {
  name: 'loro',
  version: versionOf('loro-crdt'),
  notes: {
    all: 'No signatures; times only if asked for, in seconds. Its memory is in WebAssembly.',
    load: 'A snapshot in a file.',
    'load-newest': 'A snapshot in a file, loaded whole. A history of a million takes it over three minutes to write.',
    'many-writers': 'One document that changes its peer id: each writer has seen all before it.',
    'small-sync': 'It has no protocol of its own: versions and updates are exchanged as its documentation shows.',
  },
  eventsMax: { stored: 200_000 },
  lacks: { 'fan-out': 'no relay of its own', million: 'no relay of its own' },
  create: (writer) => new Replica(writer),
  write(stints) {
    const replica = new Replica(0);
    const updates = [];
    replica.doc.subscribeLocalUpdates((update) => updates.push(update));
    for (const { writer, events } of stints) {
      replica.doc.setPeerId(BigInt(writer + 1));
      for (const event of events) replica.events.push(event);
      replica.doc.commit();
    }
    return { whole: [replica.doc.export({ mode: 'snapshot' })], updates };
  },
  disk: {
    async store(folder, [whole]) {
      writeFileSync(file(folder), whole);
    },
    async open(folder) {
      const replica = new Replica(1);
      replica.receive([new Uint8Array(readFileSync(file(folder)))]);
      return replica;
    },
  },
};
