/** Frames with something changed. Half of those with events get their checksums right again: else nothing behind it is reached. */
import { xxHash32 } from '@gossip-log/core';
import { decodeMessage, encodeMessage } from '../../packages/core/src/codec/message.js';
import { messages } from '../../packages/core/test/sample-blocks.js';

const samples = Object.values(messages).map((message) => encodeMessage(message));
/** Bytes at which formats turn: nothing, one, sign bits of varints, all. */
const edges = [0, 1, 2, 0x7f, 0x80, 0xff] as const;
/** Of a block: version, flags, and a checksum of the rest. */
const blockHeadBytes = 6;

export class Mutator {
  readonly #random: () => number;

  /** `random`: a number in [0, 1) at each call. */
  constructor(random: () => number) {
    this.#random = random;
  }

  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  /** A frame that no node has sent: a sample of some kind with bytes changed, or noise behind a sound head. */
  invented(): Uint8Array {
    if (this.below(8) === 0) {
      const noise = Uint8Array.from({ length: 3 + this.below(200) }, () => this.below(256));
      noise.set([0, this.below(20), this.below(4)]);
      return noise;
    }
    const sample = (samples[this.below(samples.length)] as Uint8Array).slice();
    // Samples have numbers of their own for logs; sessions count from 1.
    if (sample[2] !== 0) sample[2] = 1 + this.below(4);
    return this.changed(sample);
  }

  changed(frame: Uint8Array): Uint8Array {
    const mended = frame[1] === 4 && this.below(2) === 0 ? this.#changedBlocks(frame) : undefined;
    return mended ?? this.#bytes(frame, 3);
  }

  /** Blocks with bytes changed and the checksum made to fit. */
  #changedBlocks(frame: Uint8Array): Uint8Array | undefined {
    const message = decodeMessage(frame);
    if (message.kind !== 'events') return undefined;
    const blocks = message.blocks.map((block) => {
      const changed = this.#bytes(block, blockHeadBytes);
      if (changed.length <= blockHeadBytes) return changed;
      const sum = xxHash32(changed.subarray(blockHeadBytes), changed[0]);
      new DataView(changed.buffer, changed.byteOffset).setUint32(2, sum, true);
      return changed;
    });
    return encodeMessage({ ...message, blocks });
  }

  /** One to four changes, mostly behind the first `from` bytes. */
  #bytes(bytes: Uint8Array, from: number): Uint8Array {
    let result: Uint8Array = bytes.slice();
    for (let times = 1 + this.below(4); times > 0; times--) {
      const start = this.below(10) === 0 ? 0 : Math.min(from, Math.max(0, result.length - 1));
      const at = start + this.below(Math.max(1, result.length - start));
      switch (this.below(6)) {
        case 0:
          result[at] = (result[at] as number) ^ (1 << this.below(8));
          break;
        case 1:
          result[at] = edges[this.below(edges.length)] as number;
          break;
        case 2:
          result[at] = this.below(256);
          break;
        case 3:
          result = joined(result.subarray(0, at), result.subarray(at + 1 + this.below(8)));
          break;
        case 4: {
          const other = this.below(result.length + 1);
          result = joined(result.subarray(0, at), result.subarray(other, other + 20), result.subarray(at));
          break;
        }
        case 5:
          if (this.below(4) === 0) result = result.slice(0, at);
          else result[at] = ((result[at] as number) + (this.below(2) === 0 ? 1 : 255)) & 255;
          break;
      }
    }
    return result;
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
