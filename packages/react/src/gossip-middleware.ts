/**
 * `gossip`, a zustand middleware: a store whose actions are events of a log, and whose state is a fold of them.
 *
 * - [Z1] A call of an action appends an event: its name and its arguments. The state shows it before the call returns (L9).
 * - [Z2] The state is what the actions of all events make of the initial state, in log order: the same wherever the same
 *   events are.
 * - [Z3] Only actions change what the log makes: whatever else sets such a key is set right again. Other keys are the
 *   store's own, and stay here.
 */
import { checkOptions, type GossipError } from '@gossip-log/core';
import { type FoldCheckpoint, fold, type ViewSource } from '@gossip-log/core/view';
import type { StateCreator, StoreApi, StoreMutatorIdentifier } from 'zustand/vanilla';

/** What a store's log holds: a call of an action. */
export interface StoreAction {
  readonly action: string;
  readonly args: readonly unknown[];
  /** Which of `args` are `undefined`: they are `null` there, since JSON has no `undefined`. */
  readonly absent?: readonly number[];
}

export interface GossipStoreOptions {
  /** An open log, or a node's handle: `node.open<StoreAction>('todos')`. Actions throw while it is not ready. */
  readonly log: ViewSource<StoreAction> & { append(payload: StoreAction): unknown };
  /** Where the state is kept over a restart; its `version` is that of the actions. Default: it is folded anew. */
  readonly checkpoint?: FoldCheckpoint<Readonly<Record<string, unknown>>>;
}

/** What the middleware adds to a store. */
export interface GossipStore {
  readonly gossip: {
    /** What actions threw when events were folded, newest last. Such an event changes nothing. */
    errors(): readonly GossipError[];
    /** Lets go of the log: the state follows it no more. Idempotent. */
    release(): void;
  };
}

type Write<S, A> = Omit<S, keyof A> & A;

declare module 'zustand/vanilla' {
  interface StoreMutators<S, A> {
    '@gossip-log/react': Write<S, GossipStore>;
  }
}

type Gossip = <
  T extends object,
  Mps extends [StoreMutatorIdentifier, unknown][] = [],
  Mcs extends [StoreMutatorIdentifier, unknown][] = [],
>(
  initializer: StateCreator<T, [...Mps, ['@gossip-log/react', unknown]], Mcs>,
  options: GossipStoreOptions,
) => StateCreator<T, Mps, [['@gossip-log/react', unknown], ...Mcs]>;

type State = Record<string, unknown>;
type Action = (...args: readonly unknown[]) => unknown;
type Data = Readonly<State>;

/**
 * Makes a store's actions events of a log and its state a fold of them: stores over the same log converge, after edits
 * offline too. Write the store as any other, with `set` and `get`. An action is run for its event, everywhere and again
 * when a late event comes before it: it must work on `get()` and its arguments alone, and be done when it returns. Pass
 * times and random ids as arguments: `undefined`, or what the log's codec has a form for. A call returns nothing. An action
 * whose event is redacted (`log.redact(id)`) counts as never called: the state is folded again without it.
 *
 * @example
 * ```ts
 * import { createGossipNode, gossip, memoryStorage, type StoreAction } from '@gossip-log/react';
 * import { createStore } from 'zustand/vanilla';
 *
 * interface Todos {
 *   texts: readonly string[];
 *   add(text: string): void;
 * }
 *
 * const log = createGossipNode({ storage: memoryStorage() }).open<StoreAction>('todos');
 * const todos = createStore<Todos>()(
 *   gossip((set) => ({ texts: [], add: (text) => set(({ texts }) => ({ texts: [...texts, text] })) }), { log }),
 * );
 * await log.ready;
 * todos.getState().add('Tea');
 * todos.getState().texts; // ['Tea']
 * ```
 */
export const gossip = ((initializer: StateCreator<State>, options: GossipStoreOptions) => {
  checkOptions('gossip', options, { log: 'object', checkpoint: 'object' });
  const { log, checkpoint } = options;
  if (typeof log?.append !== 'function') {
    throw new TypeError("gossip: log: expected an open log, for example node.open('todos')");
  }
  return (set: StoreApi<State>['setState'], get: StoreApi<State>['getState'], api: StoreApi<State>): State => {
    /** The state that an event's action works on. */
    let draft: State | undefined;
    const setDraft = (partial: State | ((state: State) => State), replace?: boolean) => {
      if (draft === undefined) {
        throw new TypeError('gossip: set belongs into an action, before it returns; use setState for keys of your own');
      }
      const next = typeof partial === 'function' ? partial(draft) : partial;
      draft = replace === true ? next : { ...draft, ...next };
    };
    const initial = initializer(setDraft as typeof set, () => draft ?? get(), api);
    const actions = Object.fromEntries(Object.entries(initial).filter(([, value]) => typeof value === 'function'));

    const run = (data: Data, call: StoreAction): Data => {
      const { action, args } = call;
      // Of another version of the app, or no action at all.
      if (typeof action !== 'string' || !Object.hasOwn(actions, action) || !Array.isArray(args)) return data;
      const before = { ...data, ...actions };
      draft = before;
      try {
        const result = (actions[action] as Action)(...argumentsOf(call));
        if (result instanceof Promise) {
          // It fails by itself as soon as it sets something.
          result.catch(() => undefined);
          throw new TypeError(`gossip: action "${action}" is asynchronous`);
        }
        return draft === before ? data : dataOf(draft);
      } finally {
        draft = undefined;
      }
    };
    const folded = fold(
      log,
      (data: Data, { payload }) => (typeof payload === 'object' && payload !== null ? run(data, payload) : data),
      dataOf(initial),
      checkpoint === undefined ? {} : { checkpoint },
    );

    let shown = folded.value();
    const show = (label: string) => {
      const data = folded.value();
      const gone = Object.keys(shown).filter((key) => !Object.hasOwn(data, key));
      shown = data;
      // devtools takes a third argument: what its list of actions says.
      const labelled = set as (partial: State, replace: false, label: { type: string }) => void;
      labelled({ ...Object.fromEntries(gone.map((key) => [key, undefined])), ...data }, false, { type: label });
    };
    const follow = (label: string) => {
      if (folded.value() !== shown) show(label);
    };
    const release = folded.subscribe(() => follow('gossip/log'));
    api.subscribe((state) => {
      if (Object.entries(shown).some(([key, value]) => !Object.is(state[key], value))) show('gossip/set right');
    });
    Object.assign(api, { gossip: { errors: () => folded.errors(), release } } satisfies GossipStore);

    const append =
      (action: string) =>
      (...args: readonly unknown[]): void => {
        log.append(callOf(action, args));
        follow(`gossip/${action}`);
      };
    return { ...shown, ...Object.fromEntries(Object.keys(actions).map((name) => [name, append(name)])) };
  };
}) as unknown as Gossip;

/** A call as an event: an `undefined` last argument is left out, and one before others is noted. */
function callOf(action: string, args: readonly unknown[]): StoreAction {
  const given = args.slice(0, args.findLastIndex((arg) => arg !== undefined) + 1);
  if (!given.includes(undefined)) return { action, args: given };
  return {
    action,
    args: given.map((arg) => (arg === undefined ? null : arg)),
    absent: given.flatMap((arg, i) => (arg === undefined ? [i] : [])),
  };
}

function argumentsOf({ args, absent }: StoreAction): readonly unknown[] {
  return Array.isArray(absent) ? args.map((arg, i) => (absent.includes(i) ? undefined : arg)) : args;
}

/** What of a state is no action. */
function dataOf(state: Data): Data {
  return Object.fromEntries(Object.entries(state).filter(([, value]) => typeof value !== 'function'));
}
