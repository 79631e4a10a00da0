/**
 * Small values that are kept beside a log, and may be damaged.
 *
 * - [H12] A damaged value stops nothing. It is reported once, deleted, and counts as absent; where that would mislead, as
 *   with a log's edges, another value takes its place. No log fails because of one.
 */
import { GossipError, type GossipStorage } from '@gossip-log/core';

/**
 * The value under a key of the metadata keyspace, as `parse` reads it; `'damaged'` when it cannot be read: then `instead` takes
 * its place. `parse` throws, or returns `undefined`, for bytes that it cannot read.
 *
 * @throws What the storage throws, other than `storage-corrupt`.
 * @internal
 */
export async function readStored<V>(
  storage: GossipStorage,
  key: string,
  parse: (bytes: Uint8Array) => V | undefined,
  onError: (error: unknown) => void,
  instead?: Uint8Array,
): Promise<V | undefined | 'damaged'> {
  const read = await valueAt(storage, key, parse);
  if (!(read instanceof GossipError)) return read;
  // The next start does not find it any more. A disk that cannot be written now is asked again then.
  await storage.setMetadata(key, instead).catch(() => undefined);
  onError(read);
  return 'damaged';
}

/** How a value lies in storage. @internal */
export interface StoredFormat<V> {
  readonly key: string;
  /** As for `readStored`. */
  readonly parse: (bytes: Uint8Array) => V | undefined;
  /** What `parse` reads is written with the same bytes. */
  readonly write: (value: V) => Uint8Array;
  /** As for `readStored`. */
  readonly instead?: Uint8Array;
}

/** Others may change a value meanwhile, though not for ever. */
const triesMax = 16;

/**
 * Puts in place of a value what `change` makes of it, and of nothing else that another tab has put there meanwhile; with
 * `undefined` it stays. Resolves with what was written.
 *
 * @internal
 */
export async function changeStored<V>(
  storage: GossipStorage,
  { key, parse, write, instead }: StoredFormat<V>,
  change: (value: V | undefined | 'damaged') => V | undefined,
  onError: (error: unknown) => void,
): Promise<V | undefined> {
  for (let tries = 1; ; tries++) {
    const read = await readStored(storage, key, parse, onError, instead);
    const next = change(read);
    if (next === undefined) return undefined;
    if (read === 'damaged' || tries === triesMax) {
      await storage.setMetadata(key, write(next));
      return next;
    }
    const expected = read === undefined ? undefined : write(read);
    if (await storage.replaceMetadata(key, expected, write(next))) return next;
  }
}

async function valueAt<V>(
  storage: GossipStorage,
  key: string,
  parse: (bytes: Uint8Array) => V | undefined,
): Promise<V | undefined | GossipError> {
  let cause: unknown;
  try {
    const bytes = await storage.getMetadata(key);
    if (bytes === undefined) return undefined;
    cause = `unreadable: ${bytes.length} bytes`;
    const value = asParsed(parse, bytes);
    if (value !== undefined) return value;
  } catch (error) {
    if (!(error instanceof GossipError) || error.code !== 'storage-corrupt') throw error;
    cause = error;
  }
  return new GossipError('storage-corrupt', `the stored value "${key}" is damaged, and counts as absent`, {
    context: { key },
    cause,
  });
}

/** Whatever reading bytes throws that were not written here. */
function asParsed<V>(parse: (bytes: Uint8Array) => V | undefined, bytes: Uint8Array): V | undefined {
  try {
    return parse(bytes);
  } catch {
    return undefined;
  }
}

/** Is it a whole number from 0 up? @internal */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
