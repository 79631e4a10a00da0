/** cojson, the engine of Jazz: one feed, pushed to with `trusting`, which does not encrypt. */
import { cojsonInternals, LocalNode } from 'cojson';
import { NapiCrypto } from 'cojson/crypto/NapiCrypto';
import { versionOf } from './version.mjs';

const crypto = await NapiCrypto.create();
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const secret = crypto.agentSecretFromSecretSeed(new Uint8Array(32).fill(7));
const header = {
  type: 'costream',
  ruleset: { type: 'unsafeAllowAll' },
  meta: null,
  createdAt: null,
  uniqueness: 'bench',
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

class Replica {
  constructor() {
    this.node = new LocalNode(secret, crypto.newRandomSessionID(crypto.getAgentID(secret)), crypto);
    this.core = this.node.createCoValue(header);
    this.feed = this.core.getCurrentContent();
    this.told = undefined;
  }

  append(event) {
    this.feed.push(event, 'trusting');
  }

  receive(parts) {
    for (const part of parts) {
      for (const message of JSON.parse(decoder.decode(part))) this.node.syncManager.handleNewContent(message, 'import');
    }
    this.feed = this.core.getCurrentContent();
  }

  take() {
    const messages = this.core.newContentSince(this.told) ?? [];
    this.told = this.core.knownState();
    return messages.length === 0 ? [] : [encoder.encode(JSON.stringify(messages))];
  }

  length() {
    return Object.values(this.feed.items).reduce((sum, { length }) => sum + length, 0);
  }

  newest(count) {
    return Object.values(this.feed.items)
      .flatMap((items) => items.slice(-count))
      .sort((a, b) => a.madeAt - b.madeAt || a.value.at - b.value.at)
      .slice(-count)
      .map(({ value }) => value);
  }

  async sync(other) {
    const goal = new Set([...ids(this), ...ids(other)]).size;
    const [here, there] = cojsonInternals.connectedPeers('here', 'there', { peer1role: 'client', peer2role: 'server' });
    let [bytes, messages] = [0, 0];
    let switches = 0;
    let last;
    for (const peer of [here, there]) {
      const push = peer.outgoing.push.bind(peer.outgoing);
      peer.outgoing.push = (message) => {
        bytes += JSON.stringify(message).length;
        messages += 1;
        if (last !== peer) switches += 1;
        last = peer;
        push(message);
      };
    }
    const startedAt = performance.now();
    this.node.syncManager.addPeer(there);
    other.node.syncManager.addPeer(here);
    while (this.length() < goal || other.length() < goal) {
      await turn();
      this.feed = this.core.getCurrentContent();
      other.feed = other.core.getCurrentContent();
    }
    return { bytes, messages, roundTrips: switches / 2, seconds: (performance.now() - startedAt) / 1000 };
  }
}

function ids({ feed }) {
  return Object.entries(feed.items).flatMap(([session, items]) => items.map((_, i) => `${session} ${i}`));
}

/** @type {import('../src/system.js').System} */
export const system = {
  name: 'cojson',
  version: versionOf('cojson'),
  eventsMax: { append: 20_000 },
  notes: {
    all: 'Signed: one signature for what a session adds at a time. Writers are sessions of one account in a feed that anyone may write.',
    size: 'Its messages as JSON, as its WebSocket sends them.',
    merge: 'A feed keeps a list for each session; putting them in one order is left to the reader, and counted.',
  },
  lacks: { 'random-order': 'refuses what does not follow on what it has' },
  create: () => new Replica(),
  write(stints) {
    const members = new Map();
    const hub = new Replica();
    const updates = [];
    const { now } = Date;
    for (const { writer, events } of stints) {
      const replica = members.get(writer) ?? new Replica();
      members.set(writer, replica);
      for (const event of events) {
        // It stamps with the clock of the machine; here the clock is that of the events.
        Date.now = () => event.at;
        replica.append(event);
      }
      updates.push(...replica.take());
    }
    Date.now = now;
    hub.receive(updates);
    return { whole: hub.take(), updates };
  },
};
