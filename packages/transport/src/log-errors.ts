/** What goes wrong with a hosted log, as its users are told. */
import { GossipError } from '@gossip-log/core';

/** @internal */
export function closedError(id: string): GossipError {
  return new GossipError('log-closed', `log "${id}" is closed`, { context: { id } });
}

/** A `GossipError` as it is; anything else as `storage-failed`, with what failed. @internal */
export function asGossipError(cause: unknown, what: string): GossipError {
  return cause instanceof GossipError ? cause : new GossipError('storage-failed', `${what}: ${cause}`, { cause });
}
