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
import { changeStored, readStored } from './stored-value.js';

export const namesKey = (log: string) => `folds:${log}`;
export const writeNames = (names: readonly string[]) => utf8Encoder.encode(JSON.stringify(names));

/** `undefined` for bytes that are no list of names. */
export function readNames(bytes: Uint8Array): readonly string[] | undefined {
  const names: unknown = JSON.parse(utf8Decoder().decode(bytes));
  return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : undefined;
}

/** The length tells where the log's name ends. */
export const foldKey = (log: string, name: string) => `fold:${log.length}:${log}:${name}`;

/** @internal */
export class FoldCheckpoints {
  readonly #storage: GossipStorage;
  readonly #onError: (error: unknown) => void;
  /** Lists of names are read and written one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(storage: GossipStorage, onError: (error: unknown) => void) {
    this.#storage = storage;
    this.#onError = onError;
  }

  of(log: string): CheckpointStore {
    return {
      load: (name) => this.#load(foldKey(log, checkName(name))),
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

  async #load(key: string): Promise<Uint8Array | undefined> {
    const saved = await readStored(this.#storage, key, (bytes) => bytes, this.#onError);
    return saved === 'damaged' ? undefined : saved;
  }

  async #save(log: string, name: string, bytes: Uint8Array | undefined): Promise<void> {
    const format = { key: namesKey(log), parse: readNames, write: writeNames };
    const withName = (read: readonly string[] | undefined | 'damaged') => {
      const names = read === 'damaged' ? [] : (read ?? []);
      if (bytes === undefined || names.includes(name)) return undefined;
      if (names.length < limits.foldsSavedMax) return [...names, name];
      throw new GossipError('limit-exceeded', `log "${log}" has ${limits.foldsSavedMax} saved folds already`);
    };
    await changeStored(this.#storage, format, withName, this.#onError);
    await this.#storage.setMetadata(foldKey(log, name), bytes);
  }

  /** A damaged list begins again, with each fold that is saved from then on (H12): what was saved last and never again stays. */
  async #names(log: string): Promise<readonly string[]> {
    const names = await readStored(this.#storage, namesKey(log), readNames, this.#onError);
    return names === 'damaged' ? [] : (names ?? []);
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
