/** What is missing here, as far as is known: for events that wait, and between the edges (K3, K4). */
import type { CausalBuffer } from '../causal-buffer.js';
import type { UnmetRun } from '../edges.js';
import type { Edges, MissingEvent } from './edges.js';
import type { LogParts } from './log-parts.js';
import type { WriterTable } from './writer-table.js';

/** @internal */
export class MissingEvents {
  readonly #writers: WriterTable;
  readonly #edges: Edges;
  readonly #buffer: CausalBuffer;

  constructor({ effective, buffer }: LogParts) {
    this.#writers = effective.tables.writers;
    this.#edges = effective.edges;
    this.#buffer = buffer;
  }

  /** What events wait for that no event here waits for itself. O(events that wait). */
  unmet(): UnmetRun[] {
    return this.#buffer.unmet().map((event) => this.#unmetRun(event));
  }

  /** What is missing between the edges. */
  below(): UnmetRun[] {
    const { complete, wanted } = this.#edges;
    if (complete <= wanted) return [];
    const missing: UnmetRun[] = [];
    for (const event of this.#edges.missing()) if (event.time >= wanted) missing.push(this.#unmetRun(event));
    return missing;
  }

  /** K4. Lets the edge fall as far as nothing above it is missing. Has it? */
  letEdgeFall(): boolean {
    const { complete, wanted } = this.#edges;
    if (complete <= wanted) return false;
    const lowest = this.#edges.lowest();
    if (lowest >= complete) return false;
    this.#edges.complete = Math.max(lowest, this.#buffer.latestMetByEdge() + 1);
    return this.#edges.complete < complete;
  }

  #unmetRun({ writer, seq, time }: MissingEvent): UnmetRun {
    const first = this.#edges.heldBefore(writer, seq) + 1;
    return { writer: this.#writers.id(writer), first, last: seq, time };
  }
}
