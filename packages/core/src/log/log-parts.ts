/** What a log is made of, for those that change more than one part of it. */
import type { CausalBuffer } from '../causal-buffer.js';
import type { EffectiveRows } from './effective-rows.js';
import type { Heads } from './heads.js';
import type { OwnRows } from './own-rows.js';
import type { Packer } from './packer.js';
import type { Redactions } from './redactions.js';
import type { StandingRows } from './standing-rows.js';
import type { UnstoredFills } from './unstored-fills.js';

/** @internal */
export interface LogParts {
  readonly effective: EffectiveRows;
  readonly standing: StandingRows;
  readonly heads: Heads;
  readonly buffer: CausalBuffer;
  readonly own: OwnRows;
  readonly packer: Packer;
  readonly fills: UnstoredFills;
  readonly redactions: Redactions;
}
