'use client';

export {
  type EventId,
  GossipError,
  type GossipErrorCode,
  type LogEvent,
  type PayloadCodec,
  type RedactedBy,
  type RedactOptions,
  type Snapshot,
  type WriterId,
} from '@gossip-log/core';
export { deleteIndexedDbStorage, indexedDbStorage } from '@gossip-log/storage/indexeddb';
export { memoryStorage } from '@gossip-log/storage/memory';
export {
  type ConnectionState,
  createGossipNode,
  type Delivery,
  type Feed,
  type FeedCursor,
  type FeedFilter,
  type FeedOptions,
  type GossipNode,
  type GossipNodeOptions,
  type LogHandle,
  type OpenOptions,
  webSocketClient,
} from '@gossip-log/transport';
export {
  type GossipStore,
  type GossipStoreOptions,
  gossip,
  type StoreAction,
} from './gossip-middleware.js';
export { GossipProvider, type GossipProviderProps, useGossipNode } from './gossip-provider.js';
export type { LogState } from './log-state.js';
export { createLogStore, type LogStore, type ValueStore } from './log-store.js';
export { useAggregate } from './use-aggregate.js';
export { useAppend } from './use-append.js';
export { useConnection } from './use-connection.js';
export { useDelivery } from './use-delivery.js';
export { useFold } from './use-fold.js';
export { useGossipLog } from './use-gossip-log.js';
export { useGossipLogSelector } from './use-gossip-log-selector.js';
export { useView } from './use-view.js';
export { useViewSource } from './use-view-source.js';
