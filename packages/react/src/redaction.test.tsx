/** Redacted events in hooks, views and stores: one row changes, and nothing else. Over real nodes. */
import { aggregate, count, type Fold, fold, view, where } from '@gossip-log/core/view';
import { memoryPair } from '@gossip-log/transport';
import { act, cleanup, render, renderHook } from '@testing-library/react';
import { memo, type ReactNode, useMemo } from 'react';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { createStore } from 'zustand/vanilla';
import {
  createGossipNode,
  createLogStore,
  type EventId,
  type GossipNode,
  type GossipNodeOptions,
  GossipProvider,
  gossip,
  type LogEvent,
  type LogState,
  memoryStorage,
  type StoreAction,
  useAggregate,
  useDelivery,
  useFold,
  useGossipLog,
  useGossipLogSelector,
  useView,
  useViewSource,
} from './index.js';

afterEach(cleanup);

function nodeOf(options: Partial<GossipNodeOptions> = {}): GossipNode {
  const node = createGossipNode({ storage: memoryStorage(), ...options });
  onTestFinished(() => node.close());
  return node;
}

async function opened(node = nodeOf()) {
  const log = node.open<string>('tea');
  await log.ready;
  const wrapper = ({ children }: { children: ReactNode }) => <GossipProvider node={node}>{children}</GossipProvider>;
  return { node, log, wrapper };
}

const textOf = ({ payload, redacted }: LogEvent) => (redacted ? 'deleted' : String(payload));

const Row = memo(({ event, rendered }: { event: LogEvent; rendered: string[] }) => {
  rendered.push(textOf(event));
  return <li>{textOf(event)}</li>;
});

const List = ({ rendered, states }: { rendered: string[]; states: LogState[] }) => {
  const state = useGossipLog('tea');
  if (states.at(-1) !== state) states.push(state);
  return state.events.map((event) => <Row key={event.id} event={event} rendered={rendered} />);
};

const Tick = ({ event, states }: { event: LogEvent; states: string[] }) => {
  const shown = `${textOf(event)} ${useDelivery(event).state}`;
  if (states.at(-1) !== shown) states.push(shown);
  return null;
};

/** The first event, and how far it is. */
const First = ({ states }: { states: string[] }) =>
  useGossipLog<string>('tea')
    .events.slice(0, 1)
    .map((event) => <Tick key={event.id} event={event} states={states} />);

interface Message {
  readonly room: string;
  readonly text: string;
}

interface Renders {
  last: number;
  rows: number;
  totals: number;
}

const Last = ({ renders }: { renders: Renders }) => {
  renders.last++;
  return <b>{useGossipLogSelector<Message, string>('chat', (events) => events.at(-1)?.payload?.text ?? 'gone')}</b>;
};

/** Redacted events stay: their payload does not say the room any more. */
const isInRoom = (message: Message | undefined, { redacted }: LogEvent) =>
  redacted !== undefined || message?.room === 'tea';

const Room = ({ renders }: { renders: Renders }) => {
  renders.rows++;
  const chat = useViewSource<Message>('chat');
  const rows = useView(useMemo(() => view(chat, where(isInRoom)), [chat]));
  return rows.map((event) => <i key={event.id}>{event.redacted ? 'x' : event.payload?.text}</i>);
};

const Totals = ({ renders, folds }: { renders: Renders; folds: Fold<number>[] }) => {
  renders.totals++;
  const chat = useViewSource<Message>('chat');
  const many = useAggregate(useMemo(() => aggregate(view(chat, where('room', 'tea')), count()), [chat]));
  const letters = useMemo(() => fold(chat, (sum: number, { payload }) => sum + payload.text.length, 0), [chat]);
  folds.push(letters);
  return <u>{`${many} ${useFold(letters)}`}</u>;
};

test('redact changes one event, at once, and renders one row; `redact` stays the same function [L5, L9]', async () => {
  const { log, wrapper } = await opened();
  const events = ['one', 'secret', 'three'].map((text) => log.append(text)) as [LogEvent, LogEvent, LogEvent];
  const rendered: string[] = [];
  const states: LogState[] = [];
  const { container } = render(<List rendered={rendered} states={states} />, { wrapper });
  const before = states.at(-1) as LogState;
  const rendersBefore = states.length;
  expect(rendered).toEqual(['one', 'secret', 'three']);
  let id = '' as EventId;
  act(() => {
    id = before.redact(events[1].id, { now: true });
    // Already before anything rendered.
    expect(log.snapshot().at(1)?.redacted?.id).toBe(id);
  });
  expect(rendered).toEqual(['one', 'secret', 'three', 'deleted']);
  expect(container.textContent).toBe('onedeletedthree');
  expect(states.length).toBe(rendersBefore + 1);
  const after = states.at(-1) as LogState;
  expect([after.events.at(0), after.events.at(2)]).toEqual([events[0], events[2]]);
  expect(after.events.at(0)).toBe(events[0]);
  expect(after.events.at(2)).toBe(events[2]);
  expect(after.redact).toBe(before.redact);
  // Once more changes nothing.
  act(() => void expect(after.redact(events[1].id)).toBe(id));
  expect(states.at(-1)).toBe(after);
});

test('redact refuses as append does, and an event that is not there', async () => {
  const { wrapper, node } = await opened();
  const { result, rerender } = renderHook(({ id }) => useGossipLog(id), {
    wrapper,
    initialProps: { id: null as string | null },
  });
  const unknown = `${'A'.repeat(22)}.1` as EventId;
  const codeOf = (call: () => unknown) => {
    try {
      return call();
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };
  expect(codeOf(() => result.current.redact(unknown))).toBe('log-not-ready');
  rerender({ id: 'tea' });
  expect(codeOf(() => result.current.redact(unknown))).toBe('unknown-event');
  await act(() => node.close());
  expect(codeOf(() => result.current.redact(unknown))).toBe('log-closed');
});

test('a window shows it, and a store outside of components', async () => {
  const { log, wrapper, node } = await opened();
  const events = Array.from({ length: 20 }, (_, i) => log.append(`${i}`));
  const { result } = renderHook(() => useGossipLog('tea', { window: { last: 5 } }), { wrapper });
  const store = createLogStore<string>(node, 'tea');
  onTestFinished(() => store.release());
  const { id } = events[18] as LogEvent;
  act(() => void result.current.redact(id));
  for (const seen of [result.current.events, store.getState().events]) {
    expect([seen.at(-2)?.redacted === undefined, seen.at(-1)]).toEqual([false, events[19]]);
  }
});

test('useDelivery of a redacted event follows its redaction', async () => {
  const pair = memoryPair();
  const { log, wrapper } = await opened(nodeOf({ connections: [pair.right], token: 'writer' }));
  nodeOf({
    ...{ connections: [pair.left], durable: true, openOnDemand: true, name: 'relay' },
    authorize: ({ action }) => action !== 'redact',
  });
  const event = log.append('secret');
  const slip = log.append('a slip');
  log.redact(slip.id);
  await log.delivered(slip, 'relayed');
  const states: string[] = [];
  render(<First states={states} />, { wrapper });
  await act(async () => {
    const redaction = log.redact(event.id);
    await log.delivered(redaction, 'relayed').catch(() => undefined);
  });
  expect(states).toEqual(['secret relayed', 'deleted pending', 'deleted stored', 'deleted rejected']);
  expect(log.error?.code).toBe('forbidden');
});

test('a selector, a view, an aggregate and a fold render when what they show changes, and no reducer fails', async () => {
  const node = nodeOf();
  const log = node.open<Message>('chat');
  await log.ready;
  const renders = { last: 0, rows: 0, totals: 0 };
  const folds: Fold<number>[] = [];
  const { container } = render(
    <GossipProvider node={node}>
      <Last renders={renders} />
      <Room renders={renders} />
      <Totals renders={renders} folds={folds} />
    </GossipProvider>,
  );
  const shown = () =>
    ['b', 'i', 'u'].map((tag) => Array.from(container.querySelectorAll(tag), (e) => e.textContent).join());
  let secret: LogEvent | undefined;
  act(() => {
    log.append({ room: 'tea', text: 'one' });
    secret = log.append({ room: 'tea', text: 'secret' });
    log.append({ room: 'milk', text: 'last' });
  });
  expect(shown()).toEqual(['last', 'one,secret', '2 13']);
  const before = { ...renders };
  act(() => void log.redact((secret as LogEvent).id));
  expect(shown()).toEqual(['last', 'one,x', '1 7']);
  expect(renders).toEqual({ last: before.last, rows: before.rows + 1, totals: before.totals + 1 });
  expect(folds.at(-1)?.errors()).toEqual([]);
});

test('an action whose event is redacted counts as never called [Z2]', async () => {
  interface Todos {
    readonly texts: readonly string[];
    add(text: string): void;
  }
  const node = nodeOf();
  const log = node.open<StoreAction>('todos');
  await log.ready;
  const store = createStore<Todos>()(
    gossip((set) => ({ texts: [], add: (text) => set(({ texts }) => ({ texts: [...texts, text] })) }), { log }),
  );
  for (const text of ['one', 'secret', 'three']) store.getState().add(text);
  let told = 0;
  store.subscribe(() => {
    told++;
  });
  log.redact(log.snapshot().at(1)?.id as EventId);
  expect(store.getState().texts).toEqual(['one', 'three']);
  expect(told).toBe(1);
  expect(store.gossip.errors()).toEqual([]);
  store.getState().add('four');
  expect(store.getState().texts).toEqual(['one', 'three', 'four']);
});
