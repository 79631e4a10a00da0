/** What is noted of own runs (P3, P4), and how a commit changes it. */
import { type CommitOptions, GossipError, limits, type SequenceNumber, type WriterId } from '@gossip-log/core';
import { seal, unseal } from './seal.js';

/** The note of one own run. */
export interface RunNote {
  readonly last: SequenceNumber;
  /** Events up to this one may have been sent to peers; 0 when none was. */
  readonly sent: SequenceNumber;
}

/** A note as a value to keep. */
export function sealRun(key: Uint8Array, { last, sent }: RunNote): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(8);
  const view = new DataView(value.buffer);
  view.setUint32(0, last);
  view.setUint32(4, sent);
  return seal(key, value);
}

/** What `sealRun` sealed. A damaged note is taken for the most there may be: then the run is offered once more. */
export function unsealRun(key: Uint8Array, sealed: Uint8Array): RunNote {
  try {
    const view = new DataView(unseal(key, sealed, 'an own run').buffer);
    return { last: view.getUint32(0), sent: view.getUint32(4) };
  } catch {
    return { last: limits.seqMax, sent: limits.seqMax };
  }
}

/** The runs, and what may have been sent of them, as `load` gives them. */
export function runsOfNotes(notes: Iterable<readonly [WriterId, RunNote]>) {
  const ownRuns = new Map<WriterId, SequenceNumber>();
  const sent = new Map<WriterId, SequenceNumber>();
  for (const [writer, note] of notes) {
    ownRuns.set(writer, note.last);
    if (note.sent > 0) sent.set(writer, note.sent);
  }
  return { ownRuns, sent };
}

/** Runs whose notes a commit may change. */
export function runsTouched({ ownRuns, sent, instead }: CommitOptions): Set<WriterId> {
  return new Set([...(ownRuns?.keys() ?? []), ...(sent?.keys() ?? []), ...(instead?.runs.keys() ?? [])]);
}

/**
 * The notes of these runs after a commit; `undefined` for one that goes.
 *
 * @param before The notes that there are of them.
 * @param hasRecords Are all records there that the commit replaces?
 * @throws GossipError `pack-conflict` (P4).
 */
export function planNotes(
  log: string,
  { ownRuns, sent, instead }: CommitOptions,
  before: ReadonlyMap<WriterId, RunNote>,
  hasRecords: boolean,
): Map<WriterId, RunNote | undefined> {
  const notes = new Map<WriterId, RunNote | undefined>(before);
  if (instead !== undefined) {
    const isSent = [...instead.runs].some(([writer, left]) => (before.get(writer)?.sent ?? 0) > left);
    if (!hasRecords || isSent) {
      const what = isSent ? 'some of what is to be replaced was sent' : 'records that are to be replaced are not there';
      throw new GossipError('pack-conflict', `log ${log}: ${what}`, { context: { log } });
    }
    for (const [writer, left] of instead.runs) {
      notes.set(writer, left === 0 ? undefined : { last: left, sent: before.get(writer)?.sent ?? 0 });
    }
  }
  for (const [writer, last] of ownRuns ?? []) notes.set(writer, { last, sent: notes.get(writer)?.sent ?? 0 });
  for (const [writer, upTo] of sent ?? []) {
    const note = notes.get(writer);
    if (note !== undefined && upTo > note.sent) notes.set(writer, { ...note, sent: upTo });
  }
  return notes;
}
