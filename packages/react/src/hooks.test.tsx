import { GossipError, type LogEvent, type Snapshot } from '@gossip-log/core';
import { act, cleanup, render, renderHook } from '@testing-library/react';
import { memo, type ReactNode, StrictMode, Suspense, startTransition, use } from 'react';
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest';
import { FakeNode } from '../test/fake-node.js';
import {
  createLogStore,
  type Delivery,
  GossipProvider,
  type LogState,
  type PayloadCodec,
  useAppend,
  useConnection,
  useDelivery,
  useGossipLog,
  useGossipLogSelector,
  useGossipNode,
} from './index.js';

afterEach(cleanup);

const within = (node: FakeNode) => ({
  wrapper: ({ children }: { children: ReactNode }) => <GossipProvider node={node}>{children}</GossipProvider>,
});

interface RowProps {
  readonly event: LogEvent;
  readonly rendered: string[];
}

const Row = memo(({ event, rendered }: RowProps) => {
  rendered.push(`${event.payload}`);
  return null;
});

const DeliveryRow = memo(({ event, rendered }: RowProps) => {
  rendered.push(`${event.payload} ${useDelivery(event).state}`);
  return null;
});

interface ListProps {
  readonly row: typeof Row;
  readonly rendered: string[];
  readonly states?: Set<LogState>;
}

const List = ({ row: Row, rendered, states }: ListProps) => {
  const state = useGossipLog('a');
  states?.add(state);
  return state.events.map((event) => <Row key={event.id} event={event} rendered={rendered} />);
};

const Length = ({ id }: { id: string }) => <b>{useGossipLog(id).events.length}</b>;

const Everything = () => {
  useGossipLog('a');
  useAppend('b');
  useGossipLogSelector('c', (events) => events.length);
  useConnection();
  return null;
};

const Late = ({ until }: { until: Promise<void> }) => {
  const { status } = useGossipLog('a');
  useAppend('b');
  use(until);
  return status;
};

const payloads = (state: LogState): unknown[] => state.events.map((event) => event.payload);

describe('useGossipLog', () => {
  test('[U1] opens on mount, shows the log when it is read, follows it, and gives it back', () => {
    const node = new FakeNode();
    const { result, unmount } = renderHook(() => useGossipLog('a'), within(node));
    expect(result.current).toMatchObject({ status: 'opening', error: undefined });
    expect(result.current.events.length).toBe(0);
    act(() => void node.ready('a', 'one'));
    expect(result.current.status).toBe('ready');
    expect(payloads(result.current)).toEqual(['one']);
    act(() => void node.receive('a', 'two'));
    expect(payloads(result.current)).toEqual(['one', 'two']);
    expect(node.held).toBe(1);
    unmount();
    expect(node.held).toBe(0);
    node.closeUnused();
    expect(node.listening).toBe(0);
  });

  test('[L5] the result is the same object until something changed; unchanged rows do not render again', () => {
    const node = new FakeNode();
    const rendered: string[] = [];
    const seen = new Set<LogState>();
    const list = () => <List row={Row} rendered={rendered} states={seen} />;
    const { rerender } = render(list(), within(node));
    act(() => void node.ready('a', 'one', 'two'));
    expect(seen.size).toBe(2);
    rerender(list());
    const [first] = [...seen][1]?.events ?? [];
    act(() => node.deliver('a', first as LogEvent, { state: 'stored' }));
    expect(seen.size).toBe(2);
    act(() => void node.receive('a', 'three'));
    expect(seen.size).toBe(3);
    expect(rendered).toEqual(['one', 'two', 'three']);
  });

  test('the render that gets a new id shows the new log, never the old one', () => {
    const node = new FakeNode();
    const history: [string | null, string, unknown[]][] = [];
    const { rerender } = renderHook(
      ({ id }: { id: string | null }) => {
        const state = useGossipLog(id);
        history.push([id, state.status, payloads(state)]);
      },
      { ...within(node), initialProps: { id: 'a' as string | null } },
    );
    act(() => void node.ready('a', 'of a'));
    rerender({ id: 'b' });
    act(() => void node.ready('b', 'of b'));
    rerender({ id: null });
    expect(history).toEqual([
      ['a', 'opening', []],
      ['a', 'ready', ['of a']],
      ['b', 'opening', []],
      ['b', 'ready', ['of b']],
      [null, 'disabled', []],
    ]);
    expect(node.held).toBe(0);
  });

  test('[U2] switching back to a log that is still open shows it in the first render', () => {
    const node = new FakeNode();
    const history: [string, string, unknown[]][] = [];
    const { rerender } = renderHook(
      ({ id }) => {
        const state = useGossipLog(id);
        history.push([id, state.status, payloads(state)]);
      },
      { ...within(node), initialProps: { id: 'a' } },
    );
    act(() => void node.ready('a', 'one'));
    rerender({ id: 'b' });
    node.receive('a', 'while away');
    rerender({ id: 'a' });
    expect(history.slice(2)).toEqual([
      ['b', 'opening', []],
      ['a', 'ready', ['one', 'while away']],
    ]);
    rerender({ id: 'b' });
    node.closeUnused();
    rerender({ id: 'a' });
    expect(history.at(-1)).toEqual(['a', 'opening', []]);
    expect(node.held).toBe(1);
  });

  test('append is the same function until the id changes, and its event shows at once', () => {
    const node = new FakeNode();
    const appends = new Set<unknown>();
    const { result, rerender } = renderHook(
      ({ id }) => {
        const state = useGossipLog(id);
        appends.add(state.append);
        return state;
      },
      { ...within(node), initialProps: { id: 'a' } },
    );
    expect(() => result.current.append('early')).toThrow(expect.objectContaining({ code: 'log-not-ready' }));
    act(() => void node.ready('a'));
    act(() => {
      const event = result.current.append('mine');
      expect(event.payload).toBe('mine');
    });
    expect(payloads(result.current)).toEqual(['mine']);
    expect(appends.size).toBe(1);
    rerender({ id: 'b' });
    expect(appends.size).toBe(2);
  });

  test('null is disabled: nothing is opened, append throws, the empty events are always the same', () => {
    const node = new FakeNode();
    const { result, rerender } = renderHook(({ id }: { id: string | null }) => useGossipLog(id), {
      ...within(node),
      initialProps: { id: null as string | null },
    });
    const disabled = result.current;
    expect(disabled.status).toBe('disabled');
    expect([...disabled.events, ...disabled.events.slice(), disabled.events.at(0)]).toEqual([undefined]);
    expect(() => disabled.append('x')).toThrow(expect.objectContaining({ code: 'log-not-ready' }));
    expect(node.opened).toBe(0);
    rerender({ id: 'a' });
    expect(result.current.events).toBe(disabled.events);
  });

  test('[U4] a failed log says why; mounting anew tries again', () => {
    const node = new FakeNode();
    const first = renderHook(() => useGossipLog('a'), within(node));
    const error = new GossipError('storage-failed', 'no room');
    act(() => node.fail('a', error));
    expect(first.result.current).toMatchObject({ status: 'failed', error });
    first.unmount();
    const history: string[] = [];
    renderHook(() => history.push(useGossipLog('a').status), within(node));
    act(() => void node.ready('a'));
    expect(history).toEqual(['opening', 'ready']);
    expect(node.opened).toBe(2);
  });

  test('a closed node shows as failed, with the events that were there', async () => {
    const node = new FakeNode();
    const before = renderHook(() => useGossipLog('a'), within(node));
    act(() => void node.ready('a', 'one'));
    await act(() => node.close());
    expect(before.result.current).toMatchObject({ status: 'failed', error: { code: 'log-closed' } });
    expect(payloads(before.result.current)).toEqual(['one']);
    before.unmount();
    const after = renderHook(() => useGossipLog('a'), within(node));
    expect(after.result.current).toMatchObject({ status: 'failed', error: { code: 'node-closed' } });
  });

  test('inline options tear nothing down; a log is opened with those of its own render', () => {
    const node = new FakeNode();
    const codec = (name: string): PayloadCodec => ({ name, encode: () => new Uint8Array(), decode: () => undefined });
    const { rerender } = renderHook(({ id }) => useGossipLog(id, { codec: codec(id) }), {
      ...within(node),
      initialProps: { id: 'a' },
    });
    rerender({ id: 'a' });
    expect(node.opened).toBe(1);
    rerender({ id: 'b' });
    expect(node.opened).toBe(2);
    expect(node.openedWith).toMatchObject({ codec: { name: 'b' } });
  });

  test('[U5] another codec than the one in use is refused; who names none shares', () => {
    const node = new FakeNode();
    const codec = (name: string): PayloadCodec => ({ name, encode: () => new Uint8Array(), decode: () => undefined });
    const store = createLogStore(node, 'a', { codec: codec('one') });
    createLogStore(node, 'a', { codec: codec('one') }).release();
    createLogStore(node, 'a').release();
    const mismatch = expect.objectContaining({ code: 'descriptor-mismatch' });
    expect(() => createLogStore(node, 'a', { codec: codec('two') })).toThrow(mismatch);
    store.release();
    expect(node.held).toBe(0);
  });

  test('[U1] two components share one handle; the log is given back by the last', () => {
    const node = new FakeNode();
    const readers = (keys: string[]) => keys.map((key) => <Length key={key} id="a" />);
    const { rerender } = render(readers(['one', 'two']), within(node));
    expect(node.opened).toBe(1);
    rerender(readers(['two']));
    expect(node.held).toBe(1);
    rerender(readers([]));
    expect(node.held).toBe(0);
  });

  test('StrictMode: opened and given back in balance, and no stray listener', () => {
    const node = new FakeNode();
    const { unmount } = render(
      <StrictMode>
        <GossipProvider node={node}>
          <Everything />
        </GossipProvider>
      </StrictMode>,
    );
    expect(node.held).toBe(3);
    expect(node.opened).toBe(6);
    unmount();
    expect(node.held).toBe(0);
    node.closeUnused();
    expect(node.listening).toBe(0);
  });

  test('a render that is thrown away opens nothing', async () => {
    const node = new FakeNode();
    let arrive = (): void => {};
    const late = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const view = await act(async () =>
      render(
        <Suspense fallback="wait">
          <Late until={late} />
        </Suspense>,
        within(node),
      ),
    );
    expect(view.container.textContent).toBe('wait');
    expect(node.opened).toBe(0);
    await act(async () => arrive());
    expect(view.container.textContent).toBe('opening');
    expect(node.held).toBe(2);
  });

  test('a transition to another log tears nowhere: every commit shows one log at one moment', async () => {
    const node = new FakeNode();
    const commits = new Set<string>();
    const { container, rerender } = render([<Length key="1" id="a" />, <Length key="2" id="a" />], within(node));
    const look = () => commits.add(Array.from(container.querySelectorAll('b'), (b) => b.textContent).join());
    const observer = new MutationObserver(look);
    observer.observe(container, { subtree: true, characterData: true, childList: true });
    await act(async () => void node.ready('a', 1, 2));
    await act(async () => {
      startTransition(() => rerender([<Length key="1" id="b" />, <Length key="2" id="b" />]));
      node.receive('a', 3);
    });
    await act(async () => void node.ready('b', 1));
    look();
    observer.disconnect();
    expect([...commits]).toEqual(['2,2', '3,3', '0,0', '1,1']);
  });

  test('without a provider it says what is missing', () => {
    expect(() => renderHook(() => useGossipLog('a'))).toThrow('<GossipProvider>');
  });

  test("a bad id is the caller's mistake and reaches the error boundary", () => {
    expect(() => renderHook(() => useGossipLog(''), within(new FakeNode()))).toThrow(RangeError);
  });
});

describe('useGossipLogSelector', () => {
  test('renders only when the selection changed, also with an inline selector', () => {
    const node = new FakeNode();
    const seen: number[] = [];
    renderHook(() => {
      const long = useGossipLogSelector('a', (events: Snapshot<string>) => {
        return [...events].filter((event) => event.payload.length > 3).length;
      });
      seen.push(long);
    }, within(node));
    act(() => void node.ready('a'));
    act(() => void node.receive('a', 'no'));
    act(() => void node.receive('a', 'long enough'));
    act(() => void node.receive('a', 'no'));
    expect(seen).toEqual([0, 1]);
  });

  test('`equals` keeps the former selection; a selector sees the newest props', () => {
    const node = new FakeNode();
    const seen: string[][] = [];
    const { rerender } = renderHook(
      ({ suffix }) => {
        const last = useGossipLogSelector<string, string[]>(
          'a',
          (events) => events.slice(-2).map((event) => event.payload + suffix),
          (a, b) => a.join() === b.join(),
        );
        if (seen.at(-1) !== last) seen.push(last);
      },
      { ...within(node), initialProps: { suffix: '!' } },
    );
    act(() => void node.ready('a', 'x', 'x'));
    act(() => void node.receive('a', 'x'));
    rerender({ suffix: '?' });
    expect(seen).toEqual([[], ['x!', 'x!'], ['x?', 'x?']]);
  });
});

describe('useAppend', () => {
  test('holds the log open, appends, and never renders for a change of the log', () => {
    const node = new FakeNode();
    let renders = 0;
    const { result, unmount } = renderHook(() => {
      renders += 1;
      return useAppend<string>('a');
    }, within(node));
    act(() => void node.ready('a', 'one'));
    act(() => void node.receive('a', 'two'));
    act(() => void result.current('three'));
    expect(renders).toBe(1);
    expect(node.held).toBe(1);
    unmount();
    expect(node.held).toBe(0);
  });

  test('a component beside it that reads the log sees the event in the same turn', () => {
    const node = new FakeNode();
    const { result } = renderHook(() => ({ append: useAppend('a'), log: useGossipLog('a') }), within(node));
    act(() => void node.ready('a'));
    act(() => void result.current.append('x'));
    expect(payloads(result.current.log)).toEqual(['x']);
  });
});

describe('useDelivery', () => {
  test("a row renders for its own event's delivery alone", () => {
    const node = new FakeNode();
    const rendered: string[] = [];
    const { unmount } = render(<List row={DeliveryRow} rendered={rendered} />, within(node));
    let events: readonly LogEvent[] = [];
    act(() => {
      events = node.ready('a', 'one', 'two');
    });
    act(() => node.deliver('a', events[1] as LogEvent, { state: 'relayed', node: 'relay' }));
    act(() => void node.receive('a', 'three'));
    expect(rendered).toEqual(['one pending', 'two pending', 'two relayed', 'three pending']);
    unmount();
    expect(node.held).toBe(0);
    node.closeUnused();
    expect(node.listening).toBe(0);
  });

  test('an event id that two logs have is looked up in the log that the event came from', () => {
    const node = new FakeNode();
    const { result } = renderHook(() => [useGossipLog('a').events.at(0), useGossipLog('b').events.at(0)], within(node));
    act(() => {
      node.ready('a', 'x');
      node.ready('b', 'y');
      const [, second] = [node.receive('a', 'z'), node.receive('b', 'z')];
      node.deliver('b', second, { state: 'stored' });
    });
    const [a, b] = result.current as [LogEvent, LogEvent];
    expect(a.id).toBe(b.id);
    act(() => node.deliver('b', b, { state: 'stored' }));
    const deliveries = renderHook(() => [useDelivery(a), useDelivery(b)], within(node));
    expect(deliveries.result.current).toEqual([{ state: 'pending' }, { state: 'stored' }]);
  });

  test('a row that outlives its room keeps the log open, with the codec of the room', () => {
    const node = new FakeNode();
    const codec: PayloadCodec = { name: 'own', encode: () => new Uint8Array(), decode: () => undefined };
    const room = renderHook(() => useGossipLog('a', { codec }), within(node));
    let event = {} as LogEvent;
    act(() => {
      [event] = node.ready('a', 'mine') as [LogEvent];
    });
    renderHook(() => useDelivery(event), within(node)).unmount();
    room.unmount();
    node.closeUnused();
    renderHook(() => useDelivery(event), within(node));
    expect(node.openedWith).toEqual({ codec });
  });

  test('of an event from elsewhere nothing is known: pending', () => {
    const node = new FakeNode();
    const stranger = { id: 'AAAAAAAAAAAAAAAAAAAAAA.1' } as LogEvent;
    const { result } = renderHook(() => useDelivery(stranger), within(node));
    expect(result.current).toEqual({ state: 'pending' });
  });
});

test('useConnection follows the node and stops with the component', () => {
  const node = new FakeNode();
  const { result, unmount } = renderHook(() => useConnection(), within(node));
  expect(result.current.status).toBe('offline');
  act(() => node.connect({ status: 'online', sources: [] }));
  expect(result.current.status).toBe('online');
  unmount();
  expect(node.listening).toBe(0);
});

test('useGossipNode gives the node of the nearest provider; another node shows its own logs at once', () => {
  const [first, second] = [new FakeNode(), new FakeNode()];
  let node = first;
  const history: unknown[] = [];
  const { rerender } = renderHook(() => history.push([useGossipNode() === node, useGossipLog('a').status]), {
    wrapper: ({ children }) => <GossipProvider node={node}>{children}</GossipProvider>,
  });
  act(() => void first.ready('a'));
  node = second;
  rerender();
  expect(history).toEqual([
    [true, 'opening'],
    [true, 'ready'],
    [true, 'opening'],
  ]);
  expect([first.held, second.held]).toEqual([0, 1]);
});

test('the payload type flows from the hook to its events and its append', () => {
  type Message = { text: string };
  const hooks = () => ({
    log: useGossipLog<Message>('a'),
    untyped: useGossipLog(null),
    append: useAppend<Message>('a'),
    count: useGossipLogSelector('a', (events: Snapshot<Message>) => events.length),
    delivery: useDelivery({} as LogEvent<Message>),
  });
  type Hooks = ReturnType<typeof hooks>;
  expectTypeOf<Hooks['log']>().toEqualTypeOf<LogState<Message>>();
  expectTypeOf<Hooks['log']['append']>().toEqualTypeOf<(payload: Message) => LogEvent<Message>>();
  expectTypeOf<Hooks['untyped']['events']>().toEqualTypeOf<Snapshot<unknown>>();
  expectTypeOf<Hooks['append']>().parameters.toEqualTypeOf<[Message]>();
  expectTypeOf<Hooks['count']>().toEqualTypeOf<number>();
  expectTypeOf<Hooks['delivery']>().toEqualTypeOf<Delivery>();
  // @ts-expect-error a provider takes a node or options, not neither
  expect(() => GossipProvider({})).toThrow(TypeError);
});
