/**
 * Text as UTF-8, by the platform's `TextEncoder` and `TextDecoder` where there are any.
 *
 * Hermes (React Native) has no `TextDecoder`, jsdom under Jest neither. There, what is written here does the same, as the
 * Encoding Standard describes it, though slower. It also serves where the platform's encoder gives arrays of another realm,
 * as Node's does when it is put into jsdom's: those are no `Uint8Array` to anybody here.
 */

/** What is used of a `TextEncoder`. @internal */
export interface Utf8Encoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
}

/** What is used of a `TextDecoder`. @internal */
export interface Utf8Decoder {
  decode(bytes: Uint8Array): string;
}

/** @internal */
export interface Utf8DecoderOptions {
  /** Throw at what is not UTF-8, rather than put U+FFFD in its place. Default false. */
  readonly fatal?: boolean;
  /** Keep a byte order mark at the beginning. Default false. */
  readonly ignoreBOM?: boolean;
}

const replacement = 0xfffd;

/** @internal */
export const plainEncoder: Utf8Encoder = {
  encode(text) {
    const bytes = new Uint8Array(3 * text.length);
    return bytes.slice(0, this.encodeInto(text, bytes).written);
  },

  encodeInto(text, into) {
    let read = 0;
    let written = 0;
    for (const character of text) {
      const point = character.codePointAt(0) as number;
      const code = point >= 0xd800 && point <= 0xdfff ? replacement : point;
      const length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      if (written + length > into.length) break;
      // 0xxxxxxx; or as many leading ones as there are bytes, then six bits in each of the others.
      into[written] = length === 1 ? code : ((0xf00 >> length) & 0xff) | (code >> (6 * (length - 1)));
      for (let i = 1; i < length; i++) into[written + i] = 0x80 | ((code >> (6 * (length - 1 - i))) & 0x3f);
      written += length;
      read += character.length;
    }
    return { read, written };
  },
};

/** @internal */
export function plainDecoder({ fatal = false, ignoreBOM = false }: Utf8DecoderOptions = {}): Utf8Decoder {
  return {
    decode(bytes) {
      let text = '';
      let at = 0;
      const fault = () => {
        if (fatal) throw new TypeError('the bytes are not UTF-8');
        return replacement;
      };
      const next = () => {
        const first = bytes[at++] as number;
        if (first < 0x80) return first;
        const following =
          first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0;
        if (following === 0) return fault();
        let code = first & (0x3f >> following);
        for (let i = 0; i < following; i++) {
          const byte = bytes[at] ?? 0;
          // The second byte says whether a shorter form would have done, or what it makes is no character.
          const min = i > 0 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
          const max = i > 0 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
          // It may begin a character of its own: it is not taken.
          if (byte < min || byte > max) return fault();
          code = (code << 6) | (byte & 0x3f);
          at++;
        }
        return code;
      };
      while (at < bytes.length) text += String.fromCodePoint(next());
      return !ignoreBOM && text.startsWith('\ufeff') ? text.slice(1) : text;
    },
  };
}

const platformEncoder = typeof TextEncoder === 'undefined' ? undefined : new TextEncoder();

/** The encoder to use. @internal */
export const utf8Encoder: Utf8Encoder =
  platformEncoder?.encode('') instanceof Uint8Array ? platformEncoder : plainEncoder;

/** A decoder to use. @internal */
export function utf8Decoder(options: Utf8DecoderOptions = {}): Utf8Decoder {
  return typeof TextDecoder === 'undefined' ? plainDecoder(options) : new TextDecoder('utf-8', options);
}
