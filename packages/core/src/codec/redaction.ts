/**
 * What a redaction says, and how an erased row names the redaction that erased it. `docs/protocol.md` has the byte tables;
 * `codec/block.ts` proves both of every block (B7, B8).
 */
import { seqMax, timeMax, writerIdBytes } from '../limits.js';
import { ByteReader, ByteWriter, invalid } from './bytes.js';

/** What a redaction names, relative to its own row. @internal */
export interface RedactionPayload {
  /** Holders are to rewrite their disks at once, rather than when they pack. */
  readonly atOnce: boolean;
  /** 16 bytes. */
  readonly writer: Uint8Array;
  readonly seq: number;
  /** By how much the target is older than the redaction: above 0. */
  readonly age: number;
}

/** Where a redaction itself stands. @internal */
export interface RedactionKey {
  /** 16 bytes. */
  readonly writer: Uint8Array;
  readonly seq: number;
  readonly time: number;
}

const atOnceFlag = 1;

/** The payload of a redaction. @internal */
export function encodeRedaction({ atOnce, writer, seq, age }: RedactionPayload): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter(32);
  out.u8(atOnce ? atOnceFlag : 0);
  out.bytes(writer);
  out.varint(seq);
  out.varint(age);
  return out.finish();
}

/** Reads the payload of a redaction in `bytes[from, to)`. @throws GossipError `block-invalid`, `bytes-truncated`. @internal */
export function decodeRedaction(bytes: Uint8Array, from = 0, to = bytes.length): RedactionPayload {
  const reader = new ByteReader(bytes, from, to);
  const flags = reader.u8();
  if (flags > atOnceFlag) throw invalid(`a redaction with flags ${flags}`);
  const writer = reader.bytes(writerIdBytes);
  const seq = reader.bounded(seqMax, 'sequence number of what is redacted');
  const age = reader.bounded(timeMax, 'age of what is redacted');
  if (seq === 0 || age === 0) throw invalid('a redaction of nothing earlier');
  if (reader.remaining > 0) throw invalid(`${reader.remaining} bytes too many in a redaction`);
  return { atOnce: flags === atOnceFlag, writer, seq, age };
}

/** Where the redaction stands whose block is in `bytes` from `from` on. The block was proven valid before. @internal */
export function redactionKey(bytes: Uint8Array, from: number): RedactionKey {
  const reader = new ByteReader(bytes, from);
  // Version, flags, checksum.
  reader.take(6);
  reader.varint();
  const time = reader.varint();
  // Span, codec, key epoch, writers, others: of a single row.
  for (let field = 0; field < 5; field++) reader.varint();
  return { writer: reader.bytes(writerIdBytes), seq: reader.varint(), time };
}
