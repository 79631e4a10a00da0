import { memoryPair } from '@gossip-log/transport';
import { act, cleanup, render, waitFor, within } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import type { LogEvent } from './index.js';
import {
  createGossipNode,
  type GossipNode,
  GossipProvider,
  memoryStorage,
  useDelivery,
  useGossipLog,
} from './index.js';

afterEach(cleanup);

function Row({ event }: { event: LogEvent<string> }) {
  return <li data-delivery={useDelivery(event).state}>{event.payload}</li>;
}

function Room() {
  const { status, events, append } = useGossipLog<string>('general');
  return (
    <>
      <p>{status}</p>
      <button type="button" onClick={() => append(`${events.length}`)}>
        Send
      </button>
      <ol>
        {events.map((event) => (
          <Row key={event.id} event={event} />
        ))}
      </ol>
    </>
  );
}

const mount = (node: GossipNode) =>
  render(
    <GossipProvider node={node}>
      <Room />
    </GossipProvider>,
  ).container;

const rows = (root: HTMLElement) => Array.from(root.querySelectorAll('li'), (row) => row.textContent);
const deliveries = (root: HTMLElement) =>
  new Set(Array.from(root.querySelectorAll('li'), (row) => row.dataset['delivery']));

test('[L1] two roots over two nodes show one order, through a cut and what was written in it', async () => {
  const wire = memoryPair();
  const [left, right] = [wire.left, wire.right].map((source) =>
    createGossipNode({ storage: memoryStorage(), connections: [source] }),
  ) as [GossipNode, GossipNode];
  const roots = [mount(left), mount(right)] as const;
  const send = (root: HTMLElement) => act(() => within(root).getByRole('button').click());

  for (const root of roots) await waitFor(() => expect(root.querySelector('p')?.textContent).toBe('ready'));
  await waitFor(() => expect([left.connection().status, right.connection().status]).toEqual(['online', 'online']));
  send(roots[0]);
  await waitFor(() => expect(rows(roots[1])).toEqual(['0']));
  send(roots[1]);
  await waitFor(() => expect(rows(roots[0])).toEqual(['0', '1']));

  wire.cut();
  await waitFor(() => expect([left.connection().status, right.connection().status]).toEqual(['offline', 'offline']));
  for (const root of roots) {
    send(root);
    send(root);
    expect(rows(root)).toEqual(['0', '1', '2', '3']);
  }
  wire.reconnect();
  await waitFor(() => expect(rows(roots[0]).length).toBe(6));
  await waitFor(() => expect(rows(roots[1])).toEqual(rows(roots[0])));
  for (const root of roots) await waitFor(() => expect(deliveries(root)).toEqual(new Set(['stored'])));

  cleanup();
  await Promise.all([left.close(), right.close()]);
});
