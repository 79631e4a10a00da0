/** What a fold needs to survive a restart: a place for a few bytes. A node offers one for each of its logs. */

/** Keeps bytes by name. */
export interface CheckpointStore {
  /** What was saved last under that name; `undefined` where there is nothing. */
  load(name: string): Promise<Uint8Array | undefined>;
  /** Replaces what is there, or removes it with `undefined`. At most `metadataValueBytesMax` bytes. */
  save(name: string, bytes: Uint8Array | undefined): Promise<void>;
}
