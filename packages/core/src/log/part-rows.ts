/** Some rows of a chunk, and the others. */
import { Chunk } from './chunk.js';

/** Both stay in order. @internal */
export function partRows(rows: Chunk, isTaken: (chunk: Chunk, row: number) => boolean) {
  const taken = new Chunk();
  const left = new Chunk(rows.count);
  for (let row = 0; row < rows.count; row++) {
    if (!isTaken(rows, row)) {
      left.copyRow(rows, row);
      continue;
    }
    taken.reserveOneMore();
    taken.copyRow(rows, row);
  }
  return { taken, left };
}
