/** The provider: which node the hooks below it use. */
import { checkOptions } from '@gossip-log/core';
import { createGossipNode, type GossipNode, type GossipNodeOptions } from '@gossip-log/transport';
import {
  type Context,
  createContext,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useState,
} from 'react';
import { useLatest } from './use-latest.js';

/** `null`: no provider. `undefined`: a provider whose node is not made yet. */
const NodeContext = nodeContext();

/** One for all copies of this module: a provider of one serves the hooks of another. Hot reload evaluates it again. */
function nodeContext(): Context<GossipNode | undefined | null> {
  const key = Symbol.for('gossip-log/node-context');
  const held = globalThis as { [key: symbol]: Context<GossipNode | undefined | null> | undefined };
  held[key] ??= createContext<GossipNode | undefined | null>(null);
  return held[key];
}

/** Either a node, or what to make one from. */
export type GossipProviderProps = { readonly children?: ReactNode } & (
  | {
      /** A node of your own. It stays yours: the provider never closes it. */
      readonly node: GossipNode;
      readonly options?: never;
    }
  | {
      /**
       * The provider makes a node when it mounts and closes it when it unmounts. Read once: later values are ignored.
       * Give a function, so that storage is made on mount: not on a server, not at every render, and again when the
       * provider is mounted again.
       */
      readonly options: GossipNodeOptions | (() => GossipNodeOptions);
      readonly node?: never;
    }
);

/**
 * Gives the hooks below it a node. While a node made from `options` is not there yet (the first render, a server),
 * logs are `opening`.
 *
 * @throws TypeError for an unknown property, and unless exactly one of `node` and `options` is given.
 * @example
 * ```tsx
 * import { GossipProvider, indexedDbStorage, webSocketClient } from '@gossip-log/react';
 *
 * const options = (user: string) => () => ({
 *   storage: indexedDbStorage({ name: `my-app/${user}` }),
 *   connections: [webSocketClient({ url: 'wss://relay.example/sync' })],
 * });
 *
 * export const App = ({ user }: { user: string }) => (
 *   <GossipProvider key={user} options={options(user)}>
 *     <p>…</p>
 *   </GossipProvider>
 * );
 * ```
 */
export function GossipProvider(props: GossipProviderProps): ReactElement {
  checkOptions('GossipProvider', props, { node: 'object', options: 'any', children: 'any' });
  const { node, options, children } = props;
  if ((node === undefined) === (options === undefined)) {
    throw new TypeError('GossipProvider: expected exactly one of node and options');
  }
  if (node !== undefined) return <NodeContext.Provider value={node}>{children}</NodeContext.Provider>;
  return <OwnNode options={options}>{children}</OwnNode>;
}

interface OwnNodeProps {
  readonly options: GossipNodeOptions | (() => GossipNodeOptions);
  readonly children: ReactNode;
}

function OwnNode({ options, children }: OwnNodeProps): ReactElement {
  const [node, setNode] = useState<GossipNode>();
  const latest = useLatest(options);
  const own = useRef<{ node: GossipNode; onError: GossipNodeOptions['onError']; mounted: boolean }>(undefined);

  useEffect(() => {
    const current = own.current ?? make(latest.current);
    own.current = current;
    current.mounted = true;
    setNode(current.node);
    return () => {
      current.mounted = false;
      // StrictMode and hot reload unmount and mount again within one task: the node, and its storage, live on.
      queueMicrotask(() => {
        if (current.mounted) return;
        own.current = undefined;
        current.node.close().catch((error: unknown) => current.onError?.(error as Error));
      });
    };
  }, [latest]);

  return <NodeContext.Provider value={node}>{children}</NodeContext.Provider>;
}

function make(options: OwnNodeProps['options']) {
  const read = typeof options === 'function' ? options() : options;
  return { node: createGossipNode(read), onError: read.onError, mounted: true };
}

/**
 * The provider's node; `undefined` until one made from `options` is there.
 *
 * @throws Error when there is no provider above.
 */
export function useGossipNode(): GossipNode | undefined {
  const node = useContext(NodeContext);
  if (node === null) throw new Error('gossip-log: this hook needs a <GossipProvider> above its component');
  return node;
}
