/** Automerge: one list of maps; strings that nobody edits are `ImmutableString`, as its documentation advises. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as A from '@automerge/automerge';
import { versionOf } from './version.mjs';

const actorOf = (writer) => (writer + 1).toString(16).padStart(32, '0');
/** The list must be the same object for all, so all begin with the document that has it. */
const beginning = A.save(
  A.change(A.init({ actor: 'ff'.repeat(16) }), { time: 0 }, (doc) => {
    doc.events = [];
  }),
);

class Replica {
  constructor(writer) {
    this.actor = actorOf(writer);
    this.doc = A.load(beginning, { actor: this.actor });
    this.taken = [];
  }

  append({ user, text, at }) {
    this.doc = A.change(this.doc, { time: 0 }, (doc) => {
      doc.events.push({ user: new A.ImmutableString(user), text: new A.ImmutableString(text), at });
    });
  }

  receive(parts) {
    // Byte 8 of a chunk is its type: 0 is a whole document.
    if (parts[0][8] === 0 && this.length() === 0) this.doc = A.load(parts[0], { actor: this.actor });
    else [this.doc] = A.applyChanges(this.doc, [...parts]);
  }

  take() {
    const change = A.getLastLocalChange(this.doc);
    return change === undefined ? [] : [change];
  }

  length() {
    return this.doc.events.length;
  }

  newest(count) {
    return this.doc.events.slice(-count).map(({ user, text, at }) => ({ user: user.val, text: text.val, at }));
  }

  async sync(other) {
    const startedAt = performance.now();
    const sides = [this, other].map((replica) => ({ replica, state: A.initSyncState(), inbox: [] }));
    let [bytes, messages, halfTrips] = [0, 0, 0];
    for (let isDone = false; !isDone; halfTrips++) {
      const sent = sides.map((side) => {
        const [state, message] = A.generateSyncMessage(side.replica.doc, side.state);
        side.state = state;
        return message;
      });
      isDone = sent.every((message) => message === null);
      if (isDone) break;
      for (const [i, message] of sent.entries()) {
        if (message === null) continue;
        bytes += message.length;
        messages += 1;
        const to = sides[1 - i];
        const [doc, state] = A.receiveSyncMessage(to.replica.doc, to.state, message);
        to.replica.doc = doc;
        to.state = state;
      }
    }
    return { bytes, messages, roundTrips: halfTrips / 2, seconds: (performance.now() - startedAt) / 1000 };
  }
}

const file = (folder) => join(folder, 'document');

/** @type {import('../src/system.js').System} */
export const system = {
  name: 'automerge',
  version: versionOf('@automerge/automerge'),
  eventsMax: { append: 5_000, ten: 10_000, many: 10_000, updates: 5_000, live: 2_000, browser: 10_000 },
  notes: {
    all: 'Changes are hashed and name their predecessors. Its memory is in WebAssembly. `save` compresses.',
    browser: 'automerge-repo with IndexedDB and its React hook.',
    load: 'What `save` gives, in a file.',
    append: 'The document that is read is copied at every change, so its cost grows with the length.',
    'many-writers': 'Each writer wrote apart from the others.',
    size: 'Compressed already; what the others gain by compression it has gained.',
  },
  create: (writer) => new Replica(writer),
  /** Through the engine below its documents, which would copy their lists at every change. */
  write(stints) {
    const members = new Map();
    const updates = [];
    // A document for each of a thousand writers, that receives all the others' changes, would take hours.
    const areApart = stints.at(-1).writer > 100;
    let newest;
    for (const { writer, events } of stints) {
      const member = members.get(writer) ?? {
        engine: A.getBackend(A.load(beginning, { actor: actorOf(writer) })),
        seen: 0,
      };
      members.set(writer, member);
      newest = member.engine;
      if (updates.length > member.seen && !areApart) newest.applyChanges(updates.slice(member.seen));
      const list = newest.getWithType('/', 'events')[1];
      for (const { user, text, at } of events) {
        const map = newest.insertObject(list, newest.length(list), {});
        newest.put(map, 'user', user, 'str');
        newest.put(map, 'text', text, 'str');
        newest.put(map, 'at', at, 'int');
      }
      newest.commit(undefined, 0);
      updates.push(newest.getLastLocalChange());
      member.seen = updates.length;
    }
    if (areApart) newest.applyChanges(updates);
    return { whole: [newest.save()], updates };
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
