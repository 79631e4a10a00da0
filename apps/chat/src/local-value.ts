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
  /** Else the value lives in this page alone. */
  let isStored = true;

  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  const readAgain = (): void => {
    value = parse(read(key));
    changed();
  };
  // Values live as long as the page, and so do these.
  addEventListener('storage', (event) => {
    // `key` is null when everything was cleared.
    if (event.key === key || event.key === null) readAgain();
  });
  // A page that comes back from the browser's history was told of nothing meanwhile.
  addEventListener('pageshow', (event) => {
    if (event.persisted && isStored) readAgain();
  });

  return {
    get: () => value,
    set: (next) => {
      value = next;
      isStored = write(key, next);
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

/** Returns whether it is stored. */
function write(key: string, value: unknown): boolean {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    // Full or forbidden: the value lives on in this page.
    return false;
  }
}
