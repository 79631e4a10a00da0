import { aggregate, count, fold, view, where } from '@gossip-log/core/view';
import { act, cleanup, render, waitFor } from '@testing-library/react';
import { memo, type ReactNode, StrictMode, useMemo } from 'react';
import { renderToString } from 'react-dom/server';
import { afterEach, expect, test } from 'vitest';
import {
  createGossipNode,
  type GossipNode,
  GossipProvider,
  type LogEvent,
  memoryStorage,
  useAggregate,
  useFold,
  useView,
  useViewSource,
} from './index.js';

afterEach(cleanup);

interface Message {
  readonly room: string;
  readonly text: string;
}

const rendered = new Map<string, number>();
const count1 = (what: string) => rendered.set(what, (rendered.get(what) ?? 0) + 1);

const Row = memo(({ event }: { event: LogEvent<Message> }) => {
  count1(event.payload.text);
  return <li>{event.payload.text}</li>;
});

function Room({ name }: { name: string }) {
  const chat = useViewSource<Message>('chat');
  const room = useMemo(() => view(chat, where('room', name)), [chat, name]);
  const rows = useView(room);
  count1(`room ${name}`);
  return (
    <ol>
      {rows.map((event) => (
        <Row key={event.id} event={event} />
      ))}
    </ol>
  );
}

function Totals() {
  const chat = useViewSource<Message>('chat');
  const many = useAggregate(useMemo(() => aggregate(view(chat, where('room', 'tea')), count()), [chat]));
  const longest = useFold(
    useMemo(
      () => fold(chat, (text: string, { payload }) => (payload.text.length > text.length ? payload.text : text), ''),
      [chat],
    ),
  );
  count1('totals');
  return <p>{`${many} ${longest}`}</p>;
}

async function mounted(children: ReactNode) {
  rendered.clear();
  const node = createGossipNode({ storage: memoryStorage() });
  const log = node.open<Message>('chat');
  await log.ready;
  const { container, unmount } = render(<GossipProvider node={node}>{children}</GossipProvider>);
  const append = (room: string, text: string) => act(() => log.append({ room, text }));
  return { node, log, append, unmount, container };
}

const rows = (container: HTMLElement) => Array.from(container.querySelectorAll('li'), (row) => row.textContent);

test('[V4] [L5] a row that did not change does not render again, nor does a view that did not', async () => {
  const { append, container, node } = await mounted(<Room name="tea" />);
  append('tea', 'one');
  append('tea', 'two');
  append('coffee', 'three');
  append('tea', 'four');
  expect(rows(container)).toEqual(['one', 'two', 'four']);
  expect([rendered.get('one'), rendered.get('two'), rendered.get('four')]).toEqual([1, 1, 1]);
  expect(rendered.get('room tea')).toBe(4);
  cleanup();
  await node.close();
});

test('[V1] aggregates and folds render when their value changes', async () => {
  const { append, container, node } = await mounted(<Totals />);
  append('tea', 'one');
  append('coffee', 'two');
  append('tea', 'three');
  expect(container.textContent).toBe('2 three');
  expect(rendered.get('totals')).toBe(3);
  cleanup();
  await node.close();
});

test('[V9] a view opens its log with its component, shows another room at once, and gives the log back', async () => {
  const node = createGossipNode({ storage: memoryStorage() });
  const app = (name: string) => (
    <StrictMode>
      <GossipProvider node={node}>
        <Room name={name} />
      </GossipProvider>
    </StrictMode>
  );
  const { container, rerender, unmount } = render(app('tea'));
  expect(rows(container)).toEqual([]);
  const log = node.open<Message>('chat');
  await log.ready;
  act(() => {
    log.append({ room: 'tea', text: 'one' });
    log.append({ room: 'coffee', text: 'two' });
  });
  await waitFor(() => expect(rows(container)).toEqual(['one']));
  rerender(app('coffee'));
  expect(rows(container)).toEqual(['two']);
  unmount();
  log.release();
  await node.close();
});

test('a server renders no rows', async () => {
  const { node, append } = await mounted(null);
  append('tea', 'one');
  const tree = (used: GossipNode) => (
    <GossipProvider node={used}>
      <Room name="tea" />
    </GossipProvider>
  );
  expect(renderToString(tree(node))).toBe('<ol></ol>');
  cleanup();
  await node.close();
});
