/**
 * Under which replica ids this store has ever written in a log: so that a writer still knows its events as its own when it has
 * gone on under another id.
 */
import { type GossipStorage, limits, type ReplicaId, replicaIdFromBytes, replicaIdToBytes } from '@gossip-log/core';

const { replicaIdBytes, metadataValueBytesMax } = limits;

/** Metadata key under which these ids are kept, one after another. */
export function writersKey(log: string): string {
  return `writers:${log}`;
}

/** @internal */
export class OwnWriters {
  readonly #storage: GossipStorage;
  readonly #log: string;
  /** Those that are kept already, of this use of the log. */
  readonly #kept = new Set<ReplicaId>();

  constructor(storage: GossipStorage, log: string) {
    this.#storage = storage;
    this.#log = log;
  }

  /** Keeps an id, before the first of its events is stored. Beyond what a value holds the oldest are forgotten. */
  async keep(replica: ReplicaId): Promise<void> {
    if (this.#kept.has(replica)) return;
    // Tabs share the store: what another one has kept meanwhile stays.
    const ids = await this.#read();
    if (!ids.includes(replica)) {
      const kept = [...ids, replica].slice(-Math.floor(metadataValueBytesMax / replicaIdBytes));
      const bytes = new Uint8Array(kept.length * replicaIdBytes);
      kept.forEach((id, i) => {
        bytes.set(replicaIdToBytes(id), i * replicaIdBytes);
      });
      await this.#storage.setMetadata(writersKey(this.#log), bytes);
    }
    this.#kept.add(replica);
  }

  async has(replica: ReplicaId): Promise<boolean> {
    return this.#kept.has(replica) || (await this.#read()).includes(replica);
  }

  async #read(): Promise<ReplicaId[]> {
    const bytes = (await this.#storage.getMetadata(writersKey(this.#log))) ?? new Uint8Array();
    return Array.from({ length: Math.floor(bytes.length / replicaIdBytes) }, (_, i) =>
      replicaIdFromBytes(bytes.subarray(i * replicaIdBytes, (i + 1) * replicaIdBytes)),
    );
  }
}
