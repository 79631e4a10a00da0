/** What all hooks over one log share: a source that opens nothing until it is subscribed to. */
import { emptySnapshot, GossipError, type LogEvent } from '@gossip-log/core';
import type { GossipNode, OpenOptions } from '@gossip-log/transport';
import { type RefObject, useMemo } from 'react';
import { useGossipNode } from './gossip-provider.js';
import { registryOf } from './log-registry.js';
import type { LogState } from './log-state.js';
import { createLogStore, type LogStore } from './log-store.js';
import { useLatest } from './use-latest.js';

/** @internal A zustand store's reading side, over the log of one node and id. */
export interface LogSource<T> extends Pick<LogStore<T>, 'getState' | 'getInitialState' | 'subscribe'> {
  /** Holds the log open without listening. */
  retain(): () => void;
  append(payload: T): LogEvent<T>;
}

/** @internal The same source until node or id changes; then the very same render reads the new log. */
export function useLog<T>(id: string | null, options: OpenOptions<T> | undefined): LogSource<T> {
  const node = useGossipNode();
  const latest = useLatest(options);
  return useMemo(() => logSource(node, id, latest), [node, id, latest]);
}

const nothing = (): void => {};

function logSource<T>(
  node: GossipNode | undefined,
  id: string | null,
  options: RefObject<OpenOptions<T> | undefined>,
): LogSource<T> {
  if (node === undefined || id === null) {
    const append = (): never => {
      throw new GossipError('log-not-ready', id === null ? 'no log: its id is null' : `log "${id}": no node yet`);
    };
    const state: LogState<T> = {
      status: id === null ? 'disabled' : 'opening',
      events: emptySnapshot,
      append,
      error: undefined,
      progress: undefined,
    };
    const read = (): LogState<T> => state;
    return { getState: read, getInitialState: read, subscribe: () => nothing, retain: () => nothing, append };
  }

  // A log's payloads have the type that its readers say: what comes from peers is for the app to check.
  const registry = registryOf(node);
  const append = (payload: T): LogEvent<T> => registry.append(id, payload) as LogEvent<T>;
  const initial: LogState<T> = {
    status: 'opening',
    events: emptySnapshot,
    append,
    error: undefined,
    progress: undefined,
  };
  return {
    append,
    getInitialState: () => initial,
    getState: () => {
      const state = registry.state(id) as LogState<T> | undefined;
      // Asked for or not, an opening log shows the same: one object, one render.
      return state === undefined || state.status === 'opening' ? initial : state;
    },
    retain: () => createLogStore(node, id, options.current).release,
    subscribe: (listener) => {
      const store = createLogStore(node, id, options.current);
      const unsubscribe = store.subscribe(listener);
      return () => {
        unsubscribe();
        store.release();
      };
    },
  };
}
