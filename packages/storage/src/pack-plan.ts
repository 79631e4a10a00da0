/**
 * Decides whether a pack may be written (P12), and keeps the numbers of a log that never fall, so that no key and no
 * id is given twice (P13).
 */
import { GossipError, type Packing, utf8Decoder, utf8Encoder } from '@gossip-log/core';
import { seal, unseal } from './seal.js';

/** Numbers of one log that never fall. */
export interface Counters {
  /** Packs and chunks set aside. */
  readonly revision: number;
  /** No chunk ever had this id or one above. */
  readonly nextChunkId: number;
  /** Where the journal goes on, at the least: its last records may have been packed. */
  readonly nextOrdinal: number;
}

/** Of a log that was never packed. */
export const noCounters: Counters = { revision: 0, nextChunkId: 0, nextOrdinal: 0 };

/**
 * What damaged ones are taken for: far above all that was ever given. Too high they cost nothing, so their log need not
 * stop.
 */
const damagedCounters: Counters = { revision: 2 ** 40, nextChunkId: 2 ** 31, nextOrdinal: 2 ** 47 };

/** Counters as a value to keep. */
export function sealCounters(key: Uint8Array, counters: Counters): Uint8Array<ArrayBuffer> {
  return seal(key, utf8Encoder.encode(JSON.stringify(counters)));
}

/** What `sealCounters` sealed, or what stands for it. */
export function unsealCounters(key: Uint8Array, sealed: Uint8Array | undefined): Counters {
  if (sealed === undefined) return noCounters;
  try {
    return JSON.parse(utf8Decoder().decode(unseal(key, sealed, 'counters'))) as Counters;
  } catch {
    return damagedCounters;
  }
}

/** The manifest that was sealed; `undefined` when it is damaged (P15): it is made anew from the chunks. */
export function unsealManifest(key: Uint8Array, sealed: Uint8Array | undefined): Uint8Array | undefined {
  try {
    return sealed && unseal(key, sealed, 'manifest');
  } catch {
    return undefined;
  }
}

/**
 * The counters after a pack.
 *
 * @param written Is anything stored of the log? Another tab may have forgotten it.
 * @throws GossipError `pack-conflict` when the pack started from another state of the log.
 * @throws RangeError when a chunk's id may have been used before.
 */
export function planPack(
  log: string,
  { revision, add }: Packing,
  counters: Counters,
  written: boolean,
  nextOrdinal: number,
): Counters {
  if (!written || revision !== counters.revision) {
    const state = written ? `at revision ${counters.revision}` : 'not stored';
    throw new GossipError('pack-conflict', `log ${log}: it is ${state}, got a pack from revision ${revision}`, {
      context: { log, revision: counters.revision },
    });
  }
  let { nextChunkId } = counters;
  for (const { id } of add) {
    if (id < counters.nextChunkId) {
      throw new RangeError(`add: expected ids from ${counters.nextChunkId}, got ${id}`);
    }
    nextChunkId = Math.max(nextChunkId, id + 1);
  }
  return { revision: revision + 1, nextChunkId, nextOrdinal };
}
