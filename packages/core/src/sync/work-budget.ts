/** What comparisons with one peer may cost: each log's budget is granted again as time goes by, whoever begins how many. */
import { comparisonPassesMax, comparisonRefillMs, comparisonRowsMin } from '../limits.js';

/** @internal */
export class WorkBudget {
  /** The part of its budget that a log has used, those used last at the end. */
  readonly #used = new Map<string, { readonly part: number; readonly at: number }>();

  /** Takes note of rows that were walked in a log of so many. `false`: that was more than its budget. */
  spend(log: string, walked: number, rows: number, now: number): boolean {
    const part = this.#usedOf(log, now) + walked / (comparisonPassesMax * (rows + comparisonRowsMin));
    this.#used.delete(log);
    // A log that was left keeps what it has used, for as long as that counts.
    for (const [other] of this.#used) {
      if (this.#usedOf(other, now) > 0) break;
      this.#used.delete(other);
    }
    if (part > 0) this.#used.set(log, { part, at: now });
    return part <= 1;
  }

  #usedOf(log: string, now: number): number {
    const used = this.#used.get(log);
    if (used === undefined) return 0;
    return Math.max(0, used.part - (now - used.at) / comparisonRefillMs);
  }
}
