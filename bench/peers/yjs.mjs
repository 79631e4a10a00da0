/** Yjs: one array of plain objects. */

import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setupWSConnection } from '@y/websocket-server/utils';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { WebSocket, WebSocketServer } from 'ws';
import { readSyncMessage, writeSyncStep1 } from 'y-protocols/sync';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { versionOf } from './version.mjs';

class Replica {
  constructor(writer, doc = new Y.Doc()) {
    this.doc = doc;
    if (writer !== undefined) doc.clientID = writer + 1;
    this.events = doc.getArray('events');
  }

  append(event) {
    // Not `push`, which walks the list from its beginning: an index leaves a marker.
    this.events.insert(this.events.length, [event]);
  }

  receive(parts) {
    for (const part of parts) Y.applyUpdate(this.doc, part);
  }

  take() {
    // The first call begins to collect; updates are made by the document while somebody listens.
    if (this.updates === undefined)
      this.doc.on('update', (update, origin) => origin === null && this.updates.push(update));
    const taken = this.updates ?? [];
    this.updates = [];
    return taken;
  }

  length() {
    return this.events.length;
  }

  newest(count) {
    return this.events.slice(Math.max(0, this.events.length - count));
  }

  async sync(other) {
    const startedAt = performance.now();
    let [bytes, messages, halfTrips] = [0, 0, 0];
    const first = (doc) => {
      const encoder = encoding.createEncoder();
      writeSyncStep1(encoder, doc);
      return encoding.toUint8Array(encoder);
    };
    let [toOther, toThis] = [[first(this.doc)], [first(other.doc)]];
    const deliver = (frames, doc) =>
      frames.flatMap((frame) => {
        bytes += frame.length;
        messages += 1;
        const encoder = encoding.createEncoder();
        readSyncMessage(decoding.createDecoder(frame), encoder, doc, 'sync');
        return encoding.length(encoder) > 0 ? [encoding.toUint8Array(encoder)] : [];
      });
    while (toOther.length + toThis.length > 0) {
      const [a, b] = [deliver(toOther, other.doc), deliver(toThis, this.doc)];
      [toOther, toThis] = [b, a];
      halfTrips += 1;
    }
    return { bytes, messages, roundTrips: halfTrips / 2, seconds: (performance.now() - startedAt) / 1000 };
  }
}

const file = (folder) => join(folder, 'document');
const room = 'bench';

/** @type {import('../src/system.js').System} */
export const system = {
  name: 'yjs',
  version: versionOf('yjs'),
  eventsMax: { append: 30_000, updates: 2_000 },
  notes: {
    all: 'No wall clock, no identity of events, no signatures. The document may be edited anywhere, which a log may not.',
    append:
      'What one writer adds in a row is one item, copied at every append, so its cost grows; several writers in turns do not have it.',
    load: 'One encoded update in a file: the least that a store of its own could do.',
    'load-newest': 'One encoded update in a file, loaded whole: there is no other way.',
    'many-writers': 'One document that changes its client id: each writer has seen all before it.',
    'random-order': 'An update that comes early is kept, and all kept ones are merged anew: its worst case.',
    'fan-out': 'y-websocket server; it keeps nothing on disk.',
    million:
      'y-websocket server; it keeps nothing on disk. Written ten thousand at a time by one writer, who then has few items: kind to it.',
    browser: 'y-indexeddb; stored as one update, the best it can be; the hook is ours.',
    size: 'Encoding version 2, the smaller one.',
  },
  create: (writer) => new Replica(writer),
  write(stints) {
    const replica = new Replica(0);
    const updates = [];
    replica.doc.on('update', (update) => updates.push(update));
    for (const { writer, events } of stints) {
      replica.doc.clientID = writer + 1;
      replica.events.insert(replica.events.length, [...events]);
    }
    return { whole: [Y.encodeStateAsUpdate(replica.doc)], updates };
  },
  compact: (whole) => whole.map((part) => Y.convertUpdateFormatV1ToV2(part)),
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
  live: {
    async startRelay() {
      const server = createServer();
      const sockets = new WebSocketServer({ server, perMessageDeflate: false });
      sockets.on('connection', (socket, request) => setupWSConnection(socket, request));
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `ws://127.0.0.1:${server.address().port}`;
    },
    async join(address) {
      const doc = new Y.Doc();
      const provider = new WebsocketProvider(address, room, doc, { WebSocketPolyfill: WebSocket, disableBc: true });
      await new Promise((resolve) => provider.once('sync', resolve));
      const replica = new Replica(undefined, doc);
      return {
        append: (event) => replica.append(event),
        async fill(events) {
          for (let from = 0; from < events.length; from += 10_000) {
            replica.events.insert(replica.events.length, events.slice(from, from + 10_000));
            await new Promise((resolve) => setImmediate(resolve));
          }
        },
        length: () => replica.length(),
        newest: (count) => replica.newest(count),
        subscribe: (listener) => doc.on('update', listener),
        close: () => provider.destroy(),
      };
    },
    listen: (address, count, open) => open(`${address}/${room}`, count, []),
  },
};
