/** A storage in the place of one that cannot be opened. */
import type { GossipError, GossipStorage } from '@gossip-log/core';

/**
 * Asks once whether `storage` opens, before its first call. If not, `fallback` may give another one, which then takes every
 * call. Later failures are not asked about: what is stored would be torn in two.
 */
export function withFallback(
  storage: GossipStorage,
  open: () => Promise<unknown>,
  fallback: (error: GossipError) => GossipStorage | undefined,
): GossipStorage {
  let choosing: Promise<GossipStorage> | undefined;

  async function choose(): Promise<GossipStorage> {
    try {
      await open();
      return storage;
    } catch (error) {
      const other = fallback(error as GossipError);
      if (other === undefined) throw error;
      await storage.close();
      return other;
    }
  }

  function chosen(): Promise<GossipStorage> {
    choosing ??= choose().catch((error) => {
      choosing = undefined;
      throw error;
    });
    return choosing;
  }

  type Method = (...given: unknown[]) => Promise<unknown>;
  const { needsPage = false, ...calls } = storage;
  const methods = Object.keys(calls) as (keyof typeof calls)[];
  const forward = (method: keyof typeof calls): Method => {
    return async (...given) => {
      const target = await chosen();
      return (target[method] as Method).apply(target, given);
    };
  };
  return {
    needsPage,
    ...(Object.fromEntries(methods.map((method) => [method, forward(method)])) as unknown as GossipStorage),
    async close() {
      const target = await choosing?.catch(() => undefined);
      await (target ?? storage).close();
    },
  };
}
