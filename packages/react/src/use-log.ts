/** What all hooks over one log share: a source that opens nothing until it is subscribed to. */
import { GossipError, type LogEvent } from '@gossip-log/core';
import type { GossipNode, OpenOptions } from '@gossip-log/transport';
import { useMemo } from 'react';
import { useGossipNode } from './gossip-provider.js';
import { registryOf } from './log-registry.js';
import { checkOpenOptions, type LogActions, type LogState, unreadState } from './log-state.js';
import { createLogStore, type LogStore } from './log-store.js';

/** @internal A zustand store's reading side, over the log of one node and id. */
export interface LogSource<T> extends Pick<LogStore<T>, 'getState' | 'getInitialState' | 'subscribe'> {
  readonly actions: LogActions<T>;
  /** Holds the log open without listening. */
  retain(): () => void;
}

/** @internal The same source until node or id changes; then the very same render reads the new log. */
export function useLog<T>(id: string | null, options: OpenOptions<T> | undefined): LogSource<T> {
  const node = useGossipNode();
  // biome-ignore lint/correctness/useExhaustiveDependencies: options that came with the id count; inline, later ones are new at every render
  return useMemo(() => logSource(node, id, options), [node, id]);
}

const nothing = (): void => {};

function logSource<T>(
  node: GossipNode | undefined,
  id: string | null,
  options: OpenOptions<T> | undefined,
): LogSource<T> {
  checkOpenOptions(`options of log ${JSON.stringify(id)}`, options);
  if (node === undefined || id === null) {
    const fail = (): never => {
      throw new GossipError('log-not-ready', id === null ? 'no log: its id is null' : `log "${id}": no node yet`);
    };
    const actions: LogActions<T> = { append: fail, redact: fail, loadOlder: async () => 0 };
    const state = unreadState<T>(id === null ? 'disabled' : 'opening', actions);
    const read = (): LogState<T> => state;
    const retain = () => nothing;
    return { getState: read, getInitialState: read, subscribe: retain, retain, actions };
  }

  // A log's payloads have the type that its readers say: what comes from peers is for the app to check.
  const registry = registryOf(node);
  const actions: LogActions<T> = {
    append: (payload) => registry.append(id, payload) as LogEvent<T>,
    redact: (event, redactOptions) => registry.redact(id, event, redactOptions),
    loadOlder: (count?: number) => registry.loadOlder(id, options, count),
  };
  const initial = unreadState<T>('opening', actions);
  return {
    actions,
    getInitialState: () => initial,
    getState: () => {
      const state = registry.state(id, options) as LogState<T> | undefined;
      // Asked for or not, an opening log shows the same: one object, one render.
      return state === undefined || state.status === 'opening' ? initial : state;
    },
    retain: () => createLogStore(node, id, options).release,
    subscribe: (listener) => {
      const store = createLogStore(node, id, options);
      const unsubscribe = store.subscribe(listener);
      return () => {
        unsubscribe();
        store.release();
      };
    },
  };
}
