/**
 * Overwrites what LMDB leaves of removed values in `data.mdb` (P16). LMDB wipes nothing: a page that is free keeps its
 * bytes until it is used again, and a page that was parted keeps copies of what moved out of it.
 *
 *     idle ── step ──▶ rewriting ──▶ filling ──▶ idle
 *
 * - *Rewriting* puts each small value once more: its page is copied, without what lies between the values. Large values
 *   have pages of their own.
 * - *Filling* writes records of a page each until all free pages but the youngest are used, and then removes them. LMDB
 *   uses a page again two transactions after it became free, so the pages of the last two transactions are left over. They
 *   hold nothing but what filling put there.
 *
 * Pages that a reader in another process may still need are not used again, and not wiped.
 */
import { limits } from '@gossip-log/core';
import type { RootDatabase } from 'lmdb';

type Database = RootDatabase<Uint8Array, Uint8Array>;

/** Values up to this size lie beside others in a page of 4096 bytes; larger ones have pages of their own. */
const smallBytesMax = 2048;
/** What LMDB puts in front of a value that has pages of its own, with a margin. */
const pageHeaderBytes = 64;
/** Transactions until LMDB uses a page again that became free. */
const agingTransactions = 2;

interface Tree {
  readonly treeDepth: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

interface Stats extends Tree {
  readonly pageSize: number;
  readonly lastPageNumber: number;
  readonly free: Tree;
}

/** Runs what it is given in one transaction; resolves when it is on the disk. */
export type Transact = <T>(action: () => T) => Promise<T>;

/** One pass over an environment, in steps. */
export class LmdbScrub {
  readonly #db: Database;
  readonly #transact: Transact;
  readonly #kind: number;
  readonly #steps: AsyncGenerator<void, void>;

  /** `kind`: the first byte of the keys that filling uses. */
  constructor(db: Database, transact: Transact, kind: number) {
    this.#db = db;
    this.#transact = transact;
    this.#kind = kind;
    this.#steps = this.#pass();
  }

  /** A bounded part of the pass. Is there more? */
  async step(): Promise<boolean> {
    return !(await this.#steps.next()).done;
  }

  async *#pass() {
    await this.#age();
    yield* this.#rewrite();
    await this.#age();
    yield* this.#fill();
    await this.#age();
    const remove = () => this.#transact(() => removeFiller(this.#db, this.#kind));
    await remove();
    // Else whoever writes next would find no page free, and the file would grow.
    await this.#age();
    await remove();
  }

  async #age(): Promise<void> {
    // A view that an earlier call left open keeps pages from being used again.
    this.#db.resetReadTxn();
    for (let i = 0; i < agingTransactions; i++) {
      await this.#transact(() => this.#db.putSync(this.#key(0), Uint8Array.of(i)));
    }
  }

  async *#rewrite() {
    const db = this.#db;
    /** Keys before this one are done. */
    let start: Uint8Array = Uint8Array.of(0);
    for (;;) {
      const keys = await this.#transact(() => {
        const next = [...db.getKeys({ start, limit: limits.scrubKeysMax })].map((key) => Uint8Array.from(key));
        for (const key of next) {
          const value = db.getBinary(key);
          if (value !== undefined && value.length <= smallBytesMax) db.putSync(key, Uint8Array.from(value));
        }
        return next;
      });
      if (keys.length < limits.scrubKeysMax) return;
      start = Uint8Array.of(...(keys[keys.length - 1] as Uint8Array), 0);
      yield;
    }
  }

  async *#fill() {
    const { pageSize } = this.#db.getStats() as Stats;
    const filler = new Uint8Array(pageSize - pageHeaderBytes);
    const stepPages = Math.ceil(limits.scrubBytesMax / pageSize);
    // Others write meanwhile, and free pages: what was free when it began is enough.
    let left = this.#freePages();
    for (let next = 1; left > 0; ) {
      const count = Math.min(stepPages, left, this.#freePages());
      if (count <= 0) return;
      await this.#transact(() => {
        for (let i = 0; i < count; i++) this.#db.putSync(this.#key(next + i), filler);
      });
      next += count;
      left -= count;
      yield;
    }
  }

  /** Pages that may be used again. Those of the last transactions, one of each level of both trees, may not yet. */
  #freePages(): number {
    const stats = this.#db.getStats() as Stats;
    const { lastPageNumber, free } = stats;
    const metaPages = 2;
    const young = agingTransactions * (stats.treeDepth + free.treeDepth);
    return lastPageNumber + 1 - metaPages - pagesOf(stats) - pagesOf(free) - young;
  }

  #key(number: number): Uint8Array {
    const key = new Uint8Array(5);
    key[0] = this.#kind;
    new DataView(key.buffer).setUint32(1, number);
    return key;
  }
}

/** Removes what filling put there, also in a pass that did not come to its end. Runs within a transaction. */
export function removeFiller(db: Database, kind: number): void {
  for (const key of [...db.getKeys({ start: Uint8Array.of(kind), end: Uint8Array.of(kind + 1) })]) db.removeSync(key);
}

function pagesOf({ treeBranchPageCount, treeLeafPageCount, overflowPages }: Tree): number {
  return treeBranchPageCount + treeLeafPageCount + overflowPages;
}
