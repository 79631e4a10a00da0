export type { Feed, FeedCursor, FeedFilter, FeedOptions } from './feeds.js';
export {
  type AuthorizeRequest,
  type ConnectionState,
  createGossipNode,
  type GossipNode,
  type GossipNodeOptions,
  type OpenOptions,
} from './gossip-node.js';
export type { Delivery, LogHandle, LogStatus } from './log-handle.js';
export type { LogWindow } from './log-window.js';
export { type MemoryPair, type MemoryPairOptions, memoryPair } from './memory-pair.js';
export type { PeerNotice } from './peer-notice.js';
export type { RetentionOption } from './retention.js';
export { systemEnvironment } from './system-environment.js';
export {
  type NetworkEvents,
  type WebSocketClientOptions,
  type WebSocketConstructor,
  webSocketClient,
} from './web-socket-client.js';
export {
  type ConnectionBounds,
  openWebSocketConnection,
  type WebSocketConnectionOptions,
  type WebSocketLike,
} from './web-socket-connection.js';
