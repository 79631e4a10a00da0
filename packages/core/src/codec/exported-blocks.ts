/**
 * What a log's `encode` gives and `merge` reads: blocks, and before them the name of the log that they are of. Frames and
 * stores know their log, so blocks carry no name; bytes that an app moves by itself may come to the wrong log.
 *
 * Varint 0, where a sequence of blocks has a length; id and codec, each with its length; a sequence of blocks. Several such
 * parts put together are read as one.
 */
import { GossipError } from '../errors.js';
import { blockBytesMax, logIdBytesMax } from '../limits.js';
import type { LogDescriptor } from '../log-descriptor.js';
import { blockBytesMin } from './block.js';
import { ByteReader, ByteWriter, invalid } from './bytes.js';

const codecNameBytesMax = 32;

type NamedLog = Pick<LogDescriptor, 'id' | 'codec'>;

/** @internal */
export function exportBlocks({ id, codec }: NamedLog, blocks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(blocks.reduce((sum, block) => sum + block.length + 4, 1024));
  if (blocks.length === 0) return writer.finish();
  writer.varint(0);
  writer.text(id);
  writer.text(codec);
  for (const block of blocks) {
    writer.varint(block.length);
    writer.bytes(block);
  }
  return writer.finish();
}

/**
 * The blocks in what `exportBlocks` gave, as views.
 *
 * @throws GossipError `descriptor-mismatch` for those of another log, `bytes-truncated`, `block-invalid`.
 * @internal
 */
export function importBlocks(bytes: Uint8Array, log: NamedLog): Uint8Array[] {
  const reader = new ByteReader(bytes);
  const blocks: Uint8Array[] = [];
  while (reader.remaining > 0) {
    const length = reader.bounded(blockBytesMax, 'bytes of a block');
    if (length === 0) {
      checkName(reader, log);
      continue;
    }
    if (reader.at < 2 || bytes[0] !== 0)
      throw invalid('blocks without the name of their log: expected what encode gave');
    if (length < blockBytesMin) throw invalid(`a block of ${length} bytes, at least ${blockBytesMin}`);
    blocks.push(reader.bytes(length));
  }
  return blocks;
}

function checkName(reader: ByteReader, log: NamedLog): void {
  const id = reader.text(logIdBytesMax, 'the name of a log');
  const codec = reader.text(codecNameBytesMax, 'the name of a codec');
  if (id === log.id && codec === log.codec) return;
  throw new GossipError(
    'descriptor-mismatch',
    id === log.id
      ? `bytes of log "${id}" with codec ${codec}, which has codec ${log.codec} here`
      : `bytes of log "${id}", merged into log "${log.id}"`,
    { context: { log: log.id, codec: log.codec, from: id, fromCodec: codec } },
  );
}
