/** Decides what a commit writes (P3, P4), before anything is written: so a refusal leaves nothing behind. */
import { GossipError, type JournalEntry, type ReplicaId, type SequenceNumber } from '@gossip-log/core';

/** What a commit writes. */
export interface CommitPlan {
  /** Of each entry, in order, the block for the journal; `undefined` where it is skipped. */
  readonly blocks: readonly (Uint8Array | undefined)[];
  /** Heads that rise. */
  readonly heads: ReadonlyMap<ReplicaId, SequenceNumber>;
}

/** The replicas whose heads a commit needs to know. */
export function replicasOf(entries: readonly JournalEntry[]): ReplicaId[] {
  return [...new Set(entries.flatMap((entry) => entry.runs.map((run) => run.replica)))];
}

/** @throws GossipError `head-conflict` when an own run does not follow its head (P3). */
export function planCommit(
  log: string,
  entries: readonly JournalEntry[],
  stored: ReadonlyMap<ReplicaId, SequenceNumber>,
  repair: boolean,
): CommitPlan {
  const blocks: (Uint8Array | undefined)[] = [];
  const heads = new Map<ReplicaId, SequenceNumber>();
  const head = (replica: ReplicaId) => heads.get(replica) ?? stored.get(replica) ?? 0;

  for (const { block, runs, origin } of entries) {
    if (origin === 'own') {
      for (const { replica, first } of runs) {
        if (first !== head(replica) + 1) {
          throw new GossipError(
            'head-conflict',
            `log ${log}: ${replica} is at ${head(replica)}, got a run from ${first}`,
            {
              context: { log, replica, head: head(replica), first },
            },
          );
        }
      }
    } else if (!repair && runs.every(({ replica, last }) => last <= head(replica))) {
      blocks.push(undefined);
      continue;
    }
    blocks.push(block);
    for (const { replica, last } of runs) {
      if (last > head(replica)) heads.set(replica, last);
    }
  }
  return { blocks, heads };
}
