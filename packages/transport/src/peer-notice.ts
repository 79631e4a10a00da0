import type { CloseReason } from '@gossip-log/core';

/** A peer was refused something, or its session ended for a fault: for whoever runs the node. */
export interface PeerNotice {
  readonly type: 'refused' | 'ended';
  /** Its address, as the connection names it. */
  readonly peer: string;
  readonly code: CloseReason['code'];
  /** For people: may name a log. */
  readonly message: string;
}
