/**
 * What blocks would erase here: for peers that may write and not redact.
 *
 * - [G11] From such a peer nothing is taken that would erase a payload that lies here, and of its frame nothing behind that.
 *   Rows before it are taken. Erased rows, and redactions, of events that are not here, or that are erased here, are taken
 *   like any row: in an unsigned log a peer that may write could send anything in the place of what is not here.
 */
import { type DecodedBlock, decodeBlock } from '../codec/block.js';
import { decodeRedaction } from '../codec/redaction.js';
import { eventKind } from '../event.js';
import { type SequenceNumber, writerIdFromBytes } from '../ids.js';
import { coldChunksAtOnceMax } from '../limits.js';
import type { LogParts } from './log-parts.js';
import type { Reading } from './packed-chunks.js';

/** An event that a row of a block erases. */
interface Target {
  readonly row: number;
  /** 16 bytes. */
  readonly writer: Uint8Array;
  readonly seq: SequenceNumber;
  readonly time: number;
}

/** Events of packed chunks, by id and time, whose payloads are known to be erased. @internal */
export type ErasedEvents = ReadonlySet<string>;

/** @internal */
export class ErasingRows {
  readonly #parts: Pick<LogParts, 'effective' | 'standing' | 'redactions'>;

  constructor(parts: LogParts) {
    this.#parts = parts;
  }

  /**
   * The first row of a block that would erase a payload which lies here; `count` of the block when none would. A payload in
   * a packed chunk is taken to be there, unless it is among `erased`.
   */
  firstIn(block: DecodedBlock, erased: ErasedEvents): number {
    for (const target of targetsIn(block)) {
      const payload = this.#payloadOf(target);
      if (payload === 'here' || (payload === 'packed' && !erased.has(keyOf(target)))) return target.row;
    }
    return block.count;
  }

  /** Of the events that these blocks erase those whose payloads packed chunks hold no more. */
  *erasedAmong(blocks: readonly Uint8Array[]): Reading<ErasedEvents> {
    const { effective } = this.#parts;
    const { packed, tables } = effective;
    const targets = blocks.flatMap((bytes) => [...targetsIn(decodeBlock(bytes))]);
    const erased = new Set<string>();
    // In order: those in one chunk are looked up together.
    targets.sort((a, b) => a.time - b.time);
    for (let from = 0; from < targets.length; from += coldChunksAtOnceMax) {
      const some = targets.slice(from, from + coldChunksAtOnceMax);
      yield* packed.reading(() => {
        const cold = some.filter((target) => this.#payloadOf(target) === 'packed');
        packed.requireAt(cold.map(({ time }) => time));
        for (const target of cold) {
          const found = effective.locate(target.time, tables.writers.find(writerIdFromBytes(target.writer)));
          const isHere = found?.chunk.seq[found.row] === target.seq && found.chunk.kind[found.row] === eventKind.app;
          if (!isHere) erased.add(keyOf(target));
        }
      });
    }
    return erased;
  }

  #payloadOf({ writer, seq, time }: Target): 'here' | 'packed' | 'none' {
    const { effective, standing, redactions } = this.#parts;
    const { edges, packed, tables } = effective;
    const id = writerIdFromBytes(writer);
    const index = tables.writers.find(id);
    if (index < 0 || time < edges.droppedBefore) return 'none';
    const isKnown = time < edges.complete ? edges.holds(index, seq) : seq <= (tables.writers.last[index] as number);
    if (!isKnown) return 'none';
    const found = standing.locate(time, index);
    if (found !== undefined) {
      return found.chunk.seq[found.row] === seq && found.chunk.kind[found.row] === eventKind.app ? 'here' : 'none';
    }
    // One that is open erases it as soon as it is read.
    if (redactions.openFor(id, seq, time) !== undefined) return 'none';
    return time < packed.hotFrom ? 'packed' : 'none';
  }
}

function* targetsIn(block: DecodedBlock): Iterable<Target> {
  for (let row = 0; row < block.count; row++) {
    const kind = block.kind[row];
    const time = block.time[row] as number;
    if (kind === eventKind.erased) {
      const writer = block.writers[block.writer[row] as number] as Uint8Array;
      yield { row, writer, seq: block.seq[row] as number, time };
    } else if (kind === eventKind.redaction) {
      const from = block.offset[row] as number;
      const { writer, seq, age } = decodeRedaction(block.bytes, from, from + (block.length[row] as number));
      yield { row, writer, seq, time: time - age };
    }
  }
}

function keyOf({ writer, seq, time }: Target): string {
  return `${writerIdFromBytes(writer)}.${seq}.${time}`;
}
