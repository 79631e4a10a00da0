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
