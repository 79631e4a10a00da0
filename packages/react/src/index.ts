'use client';

export {
  type EventId,
  GossipError,
  type GossipErrorCode,
  type LogEvent,
  type PayloadCodec,
  type ReplicaId,
  type Snapshot,
} from '@gossip-log/core';
export { indexedDbStorage } from '@gossip-log/storage/indexeddb';
export { memoryStorage } from '@gossip-log/storage/memory';
export {
  type ConnectionState,
  createGossipNode,
  type Delivery,
  type GossipNode,
  type GossipNodeOptions,
  type LogHandle,
  type OpenOptions,
  webSocketClient,
} from '@gossip-log/transport';
export { GossipProvider, type GossipProviderProps, useGossipNode } from './gossip-provider.js';
export type { LogState } from './log-state.js';
export { createLogStore, type LogStore } from './log-store.js';
export { useAppend } from './use-append.js';
export { useConnection } from './use-connection.js';
export { useDelivery } from './use-delivery.js';
export { useGossipLog } from './use-gossip-log.js';
export { useGossipLogSelector } from './use-gossip-log-selector.js';
