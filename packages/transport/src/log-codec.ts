/**
 * Which codec a log's payloads have here.
 *
 * - [H8] While nobody in this node uses a log, payloads are bytes: no codec is bound, and peers may name any. The first
 *   use here binds its own.
 */
import { GossipError, type GossipStorage, type PayloadCodec, utf8Decoder, utf8Encoder } from '@gossip-log/core';
import { readStored } from './stored-value.js';

/** May a codec have that name? 1 to 32 printable ASCII characters. @internal */
export function isCodecName(name: unknown): name is string {
  return typeof name === 'string' && /^[\x21-\x7e]{1,32}$/.test(name);
}

/** Metadata key under which a log's codec name is kept. */
export function codecKey(log: string): string {
  return `codec:${log}`;
}

/** @internal */
export class LogCodec<T> {
  readonly #storage: GossipStorage;
  readonly #log: string;
  readonly #onError: (error: unknown) => void;
  #codec: PayloadCodec<T> | undefined;
  /** The codec that the log was used with here before. */
  #stored: string | undefined;

  constructor(storage: GossipStorage, log: string, onError: (error: unknown) => void) {
    this.#storage = storage;
    this.#log = log;
    this.#onError = onError;
  }

  /** Name of the codec that is bound, if one is. */
  get name(): string | undefined {
    return this.#codec?.name;
  }

  /** @throws GossipError `descriptor-mismatch` for another one than is bound, or than was used here before. */
  bind(codec: PayloadCodec<T>): void {
    const bound = this.#stored ?? this.#codec?.name;
    if (bound !== undefined && bound !== codec.name) {
      throw new GossipError('descriptor-mismatch', `log "${this.#log}" has codec ${bound} here, not ${codec.name}`, {
        context: { log: this.#log, codec: bound, asked: codec.name },
      });
    }
    this.#codec ??= codec;
  }

  /**
   * Reads which one was used here before. A log that turns out to have been stored with another one fails. Where that is
   * damaged the first use decides, as with a new log (H12).
   */
  async recall(): Promise<void> {
    const name = await readStored(this.#storage, codecKey(this.#log), readCodecName, this.#onError);
    this.#stored = name === 'damaged' ? undefined : name?.codec;
    if (this.#codec !== undefined) this.bind(this.#codec);
  }

  /** Before the first event of this use is stored. */
  async keep(): Promise<void> {
    const { name } = this;
    if (name === undefined || this.#stored !== undefined) return;
    await this.#storage.setMetadata(codecKey(this.#log), writeCodecName(name));
    this.#stored = name;
  }

  /** The one that is bound; or one that serves once one is. */
  get boundOrLater(): PayloadCodec<T> {
    const name = () => this.#codec?.name ?? 'later';
    const bound = (): PayloadCodec<T> => {
      if (this.#codec !== undefined) return this.#codec;
      throw new GossipError('payload-undecodable', `log "${this.#log}" is only passed on by this node`);
    };
    return (
      this.#codec ?? {
        get name() {
          return name();
        },
        encode: (payload) => bound().encode(payload),
        decode: (bytes) => bound().decode(bytes),
      }
    );
  }
}

export function writeCodecName(codec: string): Uint8Array {
  return utf8Encoder.encode(codec);
}

/** `undefined` for bytes that are no name of a codec. */
export function readCodecName(bytes: Uint8Array): { readonly codec: string } | undefined {
  const codec = utf8Decoder().decode(bytes);
  return isCodecName(codec) ? { codec } : undefined;
}
