/** Time, randomness and timers of the platform: browsers, workers and Node alike. */
import type { Environment } from '@gossip-log/core';

/**
 * The platform's clock, random source and timers. The default wherever an `Environment` is asked for.
 *
 * Its timers keep a Node process alive, as sockets do: close the node to let the process end.
 *
 * @example
 * ```ts
 * import { systemEnvironment } from '@gossip-log/transport';
 *
 * systemEnvironment.randomBytes(16).length; // 16
 * ```
 */
export const systemEnvironment: Environment = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  setTimer(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
