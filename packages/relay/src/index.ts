export type { RelayMetrics } from './metrics.js';
export { createRelay, type Relay, type RelayAddress, type RelayOptions } from './relay.js';
