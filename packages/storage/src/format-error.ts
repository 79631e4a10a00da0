/** A store of another format version is refused: it would be misread (P10). */
import { GossipError } from '@gossip-log/core';

export function formatError(store: string, version: number, known: number): GossipError {
  const remedy = version > known ? 'update gossip-log' : 'it was written before the first release, delete it';
  return new GossipError(
    'storage-format',
    `${store} has format ${version}, this gossip-log reads ${known}: ${remedy}`,
    {
      context: { version, known },
    },
  );
}
