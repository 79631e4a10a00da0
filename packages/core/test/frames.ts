/** Frames that `encodeMessage` would not write: hostile bytes for tests. */
import { ByteWriter } from '../src/codec/bytes.js';

/** Bytes from numbers, as they stand on the wire. */
export const bytesOf = (...bytes: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes);

/** A frame with any version, kind and channel. */
export function rawFrame(
  version: number,
  kind: number,
  channel: number,
  body: (writer: ByteWriter) => void = () => undefined,
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.u8(version);
  writer.u8(kind);
  writer.varint(channel);
  body(writer);
  return writer.finish();
}

/** Hex text of bytes, 32 a line; spaces and line ends mean nothing to `fromHex`. */
export function toHex(bytes: Uint8Array): string {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  const lines: string[] = [];
  for (let at = 0; at < digits.length; at += 32) lines.push(digits.slice(at, at + 32).join(' '));
  return `${lines.join('\n')}\n`;
}

export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/[0-9a-f]{2}/g) ?? [], (digits) => Number.parseInt(digits, 16));
}
