/**
 * Saved folds in the storage's metadata keyspace. It cannot be listed, so each log has a list of its folds' names there:
 * written before the first of them, so that `forget` finds all.
 */
import {
  type CheckpointStore,
  GossipError,
  type GossipStorage,
  limits,
  utf8Decoder,
  utf8Encoder,
} from '@gossip-log/core';

const namesKey = (log: string) => `folds:${log}`;
/** The length tells where the log's name ends. */
const foldKey = (log: string, name: string) => `fold:${log.length}:${log}:${name}`;

/** @internal */
export class FoldCheckpoints {
  readonly #storage: GossipStorage;
  /** Lists of names are read and written one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(storage: GossipStorage) {
    this.#storage = storage;
  }

  of(log: string): CheckpointStore {
    return {
      load: (name) => this.#storage.getMetadata(foldKey(log, checkName(name))),
      save: (name, bytes) => {
        checkName(name);
        return this.#inTurn(() => this.#save(log, name, bytes));
      },
    };
  }

  forget(log: string): Promise<void> {
    return this.#inTurn(async () => {
      for (const name of await this.#names(log)) await this.#storage.setMetadata(foldKey(log, name), undefined);
      await this.#storage.setMetadata(namesKey(log), undefined);
    });
  }

  async #save(log: string, name: string, bytes: Uint8Array | undefined): Promise<void> {
    const names = await this.#names(log);
    if (bytes !== undefined && !names.includes(name)) {
      if (names.length >= limits.foldsSavedMax) {
        throw new GossipError('limit-exceeded', `log "${log}" has ${limits.foldsSavedMax} saved folds already`);
      }
      await this.#storage.setMetadata(namesKey(log), utf8Encoder.encode(JSON.stringify([...names, name])));
    }
    await this.#storage.setMetadata(foldKey(log, name), bytes);
  }

  async #names(log: string): Promise<readonly string[]> {
    const bytes = await this.#storage.getMetadata(namesKey(log));
    return bytes === undefined ? [] : JSON.parse(utf8Decoder().decode(bytes));
  }

  #inTurn<V>(work: () => Promise<V>): Promise<V> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** @throws TypeError, RangeError when it is none. */
function checkName(name: string): string {
  if (typeof name !== 'string') throw new TypeError(`checkpoint name: expected text, got ${typeof name}`);
  const { length } = utf8Encoder.encode(name);
  if (length === 0 || length > limits.foldNameBytesMax) {
    throw new RangeError(`checkpoint name: expected 1 to ${limits.foldNameBytesMax} bytes of UTF-8, got ${length}`);
  }
  return name;
}
