/** Canvas's GossipLog: every message signed, in a Merkle structure, in SQLite. */
import { GossipLog } from '@canvas-js/gossiplog/sqlite';
import { ed25519 } from '@canvas-js/signatures';
import { versionOf } from './version.mjs';

const signerOf = (writer) => ed25519.create({ type: 'ed25519', privateKey: new Uint8Array(32).fill(writer + 1) });

class Replica {
  constructor(writer) {
    this.log = new GossipLog({ topic: 'bench', apply: () => {}, signer: signerOf(writer) });
    this.fresh = [];
  }

  async append(event, signer) {
    const { value } = await this.log.append(event, signer);
    this.fresh.push(value);
  }

  async receive(parts) {
    for (const part of parts) await this.log.insert(this.log.decode(part));
  }

  take() {
    return this.fresh.splice(0);
  }

  async length() {
    return (await this.log.db.count('$messages')) ?? 0;
  }

  async newest(count) {
    const messages = await this.log.getMessages({ reverse: true, limit: count });
    return messages.reverse().map(({ message }) => message.payload);
  }

  async sync(other) {
    const startedAt = performance.now();
    let [bytes, messages] = [0, 0];
    const count = (value) => {
      messages += 2;
      bytes += sizeOf(value);
      return value;
    };
    // Its protocol asks and answers one by one; what is asked for is counted here.
    const watched = (snapshot) => ({
      getRoot: async () => count(await snapshot.getRoot()),
      getNode: async (...asked) => count(await snapshot.getNode(...asked)),
      getChildren: async (...asked) => count(await snapshot.getChildren(...asked)),
      getValues: async (keys) => count(await snapshot.getValues(keys)) && snapshot.getValues(keys),
    });
    await other.log.serve((snapshot) => this.log.sync(watched(snapshot)));
    await this.log.serve((snapshot) => other.log.sync(watched(snapshot)));
    return { bytes, messages, roundTrips: messages / 2, seconds: (performance.now() - startedAt) / 1000 };
  }
}

/** Bytes of keys, hashes and values in an answer. */
function sizeOf(value) {
  if (value instanceof Uint8Array) return value.length;
  return value !== null && typeof value === 'object'
    ? Object.values(value).reduce((sum, part) => sum + sizeOf(part), 0)
    : 0;
}

/** @type {import('../src/system.js').System} */
export const system = {
  name: 'canvas-gossiplog',
  version: versionOf('@canvas-js/gossiplog'),
  eventsMax: { append: 1_000, ten: 1_000 },
  notes: {
    all: 'Signs every entry and verifies each that comes: security that gossip-log does not have. SQLite in memory.',
    'small-sync': 'One question after another; bytes are those of keys, hashes and values alone.',
    memory: 'SQLite has most of it, outside of what Node counts: see the resident memory.',
  },
  lacks: { 'random-order': 'refuses an entry that comes before its parents' },
  create: (writer) => new Replica(writer),
  async write(stints) {
    const replica = new Replica(0);
    const signers = new Map();
    for (const { writer, events } of stints) {
      const signer = signers.get(writer) ?? signerOf(writer % 250);
      signers.set(writer, signer);
      for (const event of events) await replica.append(event, { signer });
    }
    const updates = replica.take();
    return { whole: updates, updates };
  },
};
