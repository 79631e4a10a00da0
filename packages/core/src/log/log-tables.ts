/** What a log holds once for all its chunks: what their columns point into. */
import type { DependencyArena } from './dependency-arena.js';
import type { PayloadPages } from './payload-pages.js';
import type { WriterTable } from './writer-table.js';

/** @internal */
export interface LogTables {
  readonly writers: WriterTable;
  readonly dependencies: DependencyArena;
  readonly pages: PayloadPages;
}
