/** What heads in the store cover and a log does not have: heads outlive a record that was set aside. */
import type { ReplicaId, SequenceNumber } from '@gossip-log/core';
import type { ReplicatedLog } from '@gossip-log/core/sync';

type Heads = ReadonlyMap<ReplicaId, SequenceNumber>;

/** The heads that cover events which the log does not have. Hidden events are none (J2). */
export function lackingHeads(log: ReplicatedLog<unknown>, heads: Heads): Heads {
  const version = log.version();
  return new Map(
    Array.from(heads).filter(([replica, head]) => {
      const last = version.get(replica) ?? 0;
      return last < head && !log.isHidden(replica, last + 1);
    }),
  );
}
