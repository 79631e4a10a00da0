/** Blocks and the truncation table: what of them is hidden, and what is not. */
import { decodeBlock, timeBeforeRow } from '../codec/block.js';
import type { PayloadCodec } from '../codec/payload.js';
import type { LogEvent } from '../event.js';
import { type EventId, eventId, type ReplicaId } from '../ids.js';
import type { LogEntry } from '../runs.js';
import { Chunk } from './chunk.js';
import { DependencyArena } from './dependency-arena.js';
import type { LogTables } from './log-tables.js';
import { OrderedLog } from './ordered-log.js';
import { PayloadPages } from './payload-pages.js';
import { ReplicaTable } from './replica-table.js';
import { encodeRows } from './rows-lacking.js';
import { takeRow, takeRows } from './take-rows.js';
import type { LookUpTimes } from './times-before.js';
import type { Truncations } from './truncations.js';

/** Entries without what is hidden of them: blocks that hold hidden events are written anew. @internal */
export function withoutHidden(
  entries: readonly LogEntry[],
  truncations: Truncations,
  tables: LogTables,
): readonly LogEntry[] {
  if (truncations.size === 0) return entries;
  const hasHidden = ({ runs }: LogEntry) =>
    runs.some(({ replica, last }) => truncations.hides(tables.replicas.find(replica), last));
  return entries.flatMap((entry) => {
    if (!hasHidden(entry)) return entry;
    const block = decodeBlock(entry.block);
    const replicas = block.replicas.map((bytes) => tables.replicas.internBytes(bytes));
    const shown: number[] = [];
    for (let row = 0; row < block.count; row++) {
      const replica = replicas[block.replica[row] as number] as number;
      if (!truncations.hides(replica, block.seq[row] as number)) shown.push(row);
    }
    const lookUp: LookUpTimes = (starts, before) => {
      for (const at of starts) before[at] = timeBeforeRow(block, shown[at] as number);
    };
    const rows = takeRows(new Chunk(shown.length), block, shown, replicas, tables);
    return encodeRows(rows, tables, entry.origin, lookUp);
  });
}

/** The hidden events in these blocks, in log order, each once. @internal */
export function hiddenEvents(
  blocks: readonly Uint8Array[],
  isHidden: (replica: ReplicaId, seq: number) => boolean,
  codec: PayloadCodec<unknown>,
): LogEvent[] {
  const replicas = new ReplicaTable();
  const tables = { replicas, dependencies: new DependencyArena(), pages: new PayloadPages() };
  const ordered = new OrderedLog(tables, codec);
  const seen = new Set<EventId>();
  for (const block of blocks.map(decodeBlock)) {
    const indexes = block.replicas.map((bytes) => replicas.internBytes(bytes));
    const rows = new Chunk(block.count);
    for (let row = 0; row < block.count; row++) {
      const replica = replicas.ids[indexes[block.replica[row] as number] as number] as ReplicaId;
      const seq = block.seq[row] as number;
      if (!isHidden(replica, seq) || seen.has(eventId(replica, seq))) continue;
      seen.add(eventId(replica, seq));
      takeRow(rows, block, row, indexes, tables);
    }
    ordered.insert(rows);
  }
  return ordered.chunks.flatMap((chunk) => Array.from({ length: chunk.count }, (_, row) => ordered.event(chunk, row)));
}
