/** Time, randomness and timers of the platform: browsers, workers and Node alike. */
import type { Environment } from '@gossip-log/core';

/**
 * `systemEnvironment`, where the platform has what it needs.
 *
 * @throws TypeError where it has no randomness: React Native without a polyfill.
 * @internal
 */
export function platformEnvironment(): Environment {
  if (typeof globalThis.crypto?.getRandomValues === 'function') return systemEnvironment;
  throw new TypeError(
    'environment: this runtime has no crypto.getRandomValues; ' +
      "load a polyfill before (React Native: 'react-native-get-random-values'), or pass an environment",
  );
}

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
  // Without it the wall clock serves: when that is set, connections may be taken for dead once.
  elapsed: () => globalThis.performance?.now() ?? Date.now(),
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  setTimer(ms, callback) {
    // Node's shortest timer takes a millisecond.
    const { setImmediate, clearImmediate } = globalThis as unknown as Immediates;
    if (ms === 0 && setImmediate !== undefined) {
      const immediate = setImmediate(callback);
      return () => clearImmediate?.(immediate);
    }
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** What Node has beside what all platforms have. */
interface Immediates {
  readonly setImmediate?: (callback: () => void) => unknown;
  readonly clearImmediate?: (immediate: unknown) => void;
}

/** @throws TypeError when one of its functions is missing: it would be missed when a timer is set, hours later. @internal */
export function checkEnvironment({ now, elapsed, randomBytes, setTimer }: Environment): void {
  if ([now, elapsed, randomBytes, setTimer].every((member) => typeof member === 'function')) return;
  throw new TypeError('environment: expected the functions now, elapsed, randomBytes and setTimer');
}
