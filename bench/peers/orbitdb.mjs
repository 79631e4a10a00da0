/** OrbitDB: its operations log in memory, without IPFS around it. */
import { Entry, Identities, KeyStore, Log, MemoryStorage } from '@orbitdb/core';
import { versionOf } from './version.mjs';

const logId = 'bench';
const identities = await Identities({ keystore: await KeyStore({ storage: await MemoryStorage() }) });
const identityOf = (writer) => identities.createIdentity({ id: `writer ${writer}` });

class Replica {
  static async create(writer) {
    const replica = new Replica();
    replica.entries = await MemoryStorage();
    replica.log = await Log(await identityOf(writer), {
      logId,
      entryStorage: {
        ...replica.entries,
        // What a store of IPFS would fetch from the other side.
        get: async (hash) => (await replica.entries.get(hash)) ?? (await replica.fetch?.(hash)),
      },
      headsStorage: await MemoryStorage(),
      indexStorage: await MemoryStorage(),
    });
    return replica;
  }

  append(event) {
    return this.log.append(event);
  }

  /** The last part is the head. */
  async receive(parts) {
    let entry;
    for (const part of parts) {
      entry = await Entry.decode(part);
      await this.entries.put(entry.hash, part);
    }
    await this.log.joinEntry(entry);
  }

  async length() {
    let length = 0;
    for await (const _ of this.log.traverse()) length += 1;
    return length;
  }

  async newest(count) {
    const events = [];
    for await (const { payload } of this.log.iterator({ amount: count })) events.push(payload);
    return events.reverse();
  }

  async sync(other) {
    const startedAt = performance.now();
    let [bytes, messages] = [0, 0];
    const from = (replica) => async (hash) => {
      const part = await replica.entries.get(hash);
      messages += 2;
      bytes += hash.length + part.length;
      return part;
    };
    const heads = await Promise.all([this, other].map(({ log }) => log.heads()));
    this.fetch = from(other);
    other.fetch = from(this);
    for (const [i, replica] of [other, this].entries()) {
      for (const head of heads[i]) {
        messages += 1;
        bytes += (await Entry.encode(head)).bytes.length;
        await replica.log.joinEntry(head);
      }
    }
    return { bytes, messages, roundTrips: messages / 2, seconds: (performance.now() - startedAt) / 1000 };
  }
}

/** @type {import('../src/system.js').System} */
export const system = {
  name: 'orbitdb',
  version: versionOf('@orbitdb/core'),
  eventsMax: { append: 1_000, ten: 1_000 },
  notes: {
    all: 'Signs every entry and verifies each that comes: security that gossip-log does not have. Without Helia and its stores, which is kind to it. 4.0 needs Node 22.',
    'small-sync': 'Heads are exchanged, the rest is fetched entry by entry.',
  },
  lacks: { 'random-order': 'an entry is joined together with all before it' },
  create: (writer) => Replica.create(writer),
  async write(stints) {
    const members = new Map();
    const whole = [];
    let next = [];
    let time = 0;
    for (const { writer, events } of stints) {
      const identity = members.get(writer) ?? (await identityOf(writer));
      members.set(writer, identity);
      for (const event of events) {
        time += 1;
        const clock = { id: identity.publicKey, time };
        const entry = await Entry.create(identity, logId, event, undefined, clock, next, []);
        const { hash, bytes } = await Entry.encode(entry);
        whole.push(bytes);
        next = [hash];
      }
    }
    return { whole, updates: whole };
  },
};
