export type { AuthorizeRequest, ConnectionState, GossipNode, GossipNodeOptions, OpenOptions } from './gossip-node.js';
export type { Delivery, LogHandle, LogStatus } from './log-handle.js';
