/**
 * Small values that this browser remembers: profile, theme, rooms, drafts. Shared by all tabs: a change in one shows
 * in the others. Where storage is refused (private windows, policies) values last as long as the page.
 */
import { useSyncExternalStore } from 'react';

/** One remembered value. `get` returns the same object until it changes. */
export interface LocalValue<T> {
  get(): T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

const prefix = 'gossip-log-chat.';

/** A value under `name`. `parse` checks what was stored, for it may be damaged or of another version. */
export function localValue<T>(name: string, parse: (stored: unknown) => T): LocalValue<T> {
  const key = prefix + name;
  const listeners = new Set<() => void>();
  let value = parse(read(key));

  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  // Values live as long as the page, and so does this.
  addEventListener('storage', (event) => {
    // `key` is null when everything was cleared.
    if (event.key !== key && event.key !== null) return;
    value = parse(read(key));
    changed();
  });

  return {
    get: () => value,
    set: (next) => {
      value = next;
      write(key, next);
      changed();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The value in a component. */
export function useLocalValue<T>(local: LocalValue<T>): T {
  return useSyncExternalStore(local.subscribe, local.get);
}

function read(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null');
  } catch {
    return undefined;
  }
}

function write(key: string, value: unknown): void {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Full or forbidden: the value lives on in this page.
  }
}
