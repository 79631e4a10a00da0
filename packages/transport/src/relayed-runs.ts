/**
 * How far the newest own runs of a log were relayed, and by whom, as one value of the metadata keyspace: JSON, a list of
 * `[writer, last relayed event, name of the node]`, the run that was relayed last at the end. Of older runs it is learned
 * again from the next durable peer.
 */
import { parseWriterId, type SequenceNumber, utf8Decoder, utf8Encoder, type WriterId } from '@gossip-log/core';
import { isCount } from './stored-value.js';

/** Runs that are kept: some weeks of an app that is opened a few times a day. */
export const relayedRunsMax = 64;

/** A run, relayed up to an event. */
export interface RelayedRun {
  readonly writer: WriterId;
  readonly seq: SequenceNumber;
  /** The node that promises to keep it. */
  readonly node: string;
}

/** Metadata key under which they are kept. */
export function relayedKey(log: string): string {
  return `relayed:${log}`;
}

export function writeRelayed(runs: readonly RelayedRun[]): Uint8Array {
  return utf8Encoder.encode(JSON.stringify(runs.map(({ writer, seq, node }) => [writer, seq, node])));
}

/** @throws What parsing throws; `undefined` for bytes that are no runs. */
export function readRelayed(bytes: Uint8Array): RelayedRun[] | undefined {
  const runs = JSON.parse(utf8Decoder().decode(bytes)) as readonly (readonly [string, unknown, unknown])[];
  const isRead = runs.every(([, seq, node]) => isCount(seq) && typeof node === 'string');
  if (!isRead) return undefined;
  return runs.map(([writer, seq, node]) => ({
    writer: parseWriterId(writer),
    seq: seq as number,
    node: node as string,
  }));
}
