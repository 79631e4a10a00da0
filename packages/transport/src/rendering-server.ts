/**
 * Does this program render pages without being one?
 *
 * A module of a web app runs on the server, too, where Next.js and its like render it: Node, or an edge runtime, without a
 * window. A Node program that means to be a peer looks the same from here; it shows itself by what it gives its node: a
 * WebSocket class, a storage that Node has. Runtimes that are neither (React Native, a worker, a bare context) are no servers.
 */

/** @internal */
export function isRenderingServer(): boolean {
  const platform = globalThis as { readonly process?: { readonly versions?: { readonly node?: string } } };
  if ('window' in globalThis || 'importScripts' in globalThis) return false;
  return platform.process?.versions?.node !== undefined || 'Deno' in globalThis || 'EdgeRuntime' in globalThis;
}
