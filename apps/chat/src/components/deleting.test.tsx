import { createGossipLog, type LogEvent, writerIdFromBytes } from '@gossip-log/core';
import { createGossipNode, type GossipNodeOptions, GossipProvider, memoryStorage } from '@gossip-log/react';
import { memoryPair } from '@gossip-log/transport';
import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import { createRef } from 'react';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { Room } from './room.js';

const me = { id: 'me', name: 'Robin', color: '#0f766e' } as const;
const ada = { id: 'ada', name: 'Ada', color: '#5b5ef0' } as const;

beforeEach(() => {
  // happy-dom has no layout to observe.
  globalThis.ResizeObserver ??= class {
    observe() {}
    unobserve() {}
    disconnect() {}
  } as never;
});
afterEach(cleanup);

/** A room with messages of Robin, who sits here, and Ada. */
async function room(
  options: Partial<GossipNodeOptions>,
  ...messages: readonly (readonly [author: typeof me | typeof ada, text: string])[]
) {
  const node = createGossipNode({ storage: memoryStorage(), ...options });
  onTestFinished(() => node.close());
  const log = node.open<unknown>('tea');
  await log.ready;
  const hers = createGossipLog<unknown>({
    id: 'tea',
    writer: writerIdFromBytes(new Uint8Array(16).fill(7)),
    now: Date.now,
  });
  for (const [author, text] of messages) {
    if (author === me) log.append({ text, author });
    else hers.append({ text, author });
    log.log?.merge(hers.encode());
    // What comes next is behind it, also in the same millisecond.
    hers.merge(log.log?.encode() as Uint8Array);
  }
  render(
    <GossipProvider node={node}>
      <Room room="tea" profile={me} composer={createRef()} onOpenRooms={() => {}} />
    </GossipProvider>,
  );
  const rows = () => screen.getAllByRole('listitem').map((row) => row.textContent?.replace(/\d\d?:\d\d( [AP]M)?/g, ''));
  return { log, rows };
}

const deleteButtons = () => screen.getAllByRole('button', { name: 'Delete message', hidden: true });

test('own messages have a button, those of others do not; a dialog asks, and keeping changes nothing', async () => {
  const { rows, log } = await room({}, [me, 'mine'], [ada, 'hers'], [me, 'mine too']);
  expect(deleteButtons()).toHaveLength(2);
  const before = rows();
  fireEvent.click(deleteButtons()[0] as Element);
  const dialog = screen.getByRole('dialog', { name: 'Delete this message?' });
  expect(dialog.textContent).toContain('mine');
  fireEvent.click(within(dialog).getByRole('button', { name: 'Keep' }));
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(rows()).toEqual(before);
  expect(log.snapshot().map(({ redacted }) => redacted)).toEqual([undefined, undefined, undefined]);
});

test('deleting leaves the place, erases the text everywhere on the page, says so, and the focus stays in the room', async () => {
  const { rows, log } = await room({}, [me, 'a secret'], [ada, 'hers'], [me, 'mine too']);
  fireEvent.click(deleteButtons()[0] as Element);
  fireEvent.click(screen.getByRole('button', { name: 'Delete' }));
  expect(log.snapshot().at(0)).toMatchObject({
    payload: undefined,
    redacted: { writer: log.snapshot().at(0)?.writer },
  });
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(rows()[0]).toContain('You, : Message deleted');
  expect(document.documentElement.outerHTML).not.toContain('secret');
  expect(JSON.stringify({ ...localStorage })).not.toContain('secret');
  expect(screen.getAllByRole('status').map((status) => status.textContent)).toContain('Message deleted');
  expect(document.activeElement).toBe(screen.getByRole('region', { name: 'Conversation' }));
  expect(deleteButtons()).toHaveLength(1);
});

test('a deletion that the relay refuses is said to be of this device alone', async () => {
  const pair = memoryPair();
  const relay = createGossipNode({
    ...{ storage: memoryStorage(), connections: [pair.left], durable: true, openOnDemand: true },
    authorize: ({ action }) => action !== 'redact',
  });
  onTestFinished(() => relay.close());
  const { log } = await room({ connections: [pair.right] }, [me, 'a secret']);
  await act(() => log.delivered(log.snapshot().at(0) as LogEvent, 'relayed'));
  fireEvent.click(deleteButtons()[0] as Element);
  fireEvent.click(screen.getByRole('button', { name: 'Delete' }));
  await screen.findByText(/Deleted on this device alone, others still see it: this peer may not redact here/);
  expect(screen.getAllByRole('alert').map(({ textContent }) => textContent)).toContain(
    'The relay does not let you read, write or delete here.',
  );
});

test("another's message that is deleted shows so, with its author", async () => {
  const { rows, log } = await room({}, [ada, 'hers'], [ada, 'and more'], [me, 'mine']);
  act(() => void log.redact((log.snapshot().at(1) as LogEvent).id));
  expect(rows()[1]).toContain('Ada, : Message deleted');
  expect(rows()).toHaveLength(3);
});

test('a dialog closes when its message is deleted elsewhere meanwhile', async () => {
  const { log } = await room({}, [me, 'a secret']);
  fireEvent.click(deleteButtons()[0] as Element);
  act(() => void log.redact((log.snapshot().at(0) as LogEvent).id));
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(document.documentElement.outerHTML).not.toContain('secret');
});

test('Tab comes to one button, arrow keys lead along them', async () => {
  await room({}, [me, 'one'], [ada, 'hers'], [me, 'two'], [me, 'three']);
  const stops = () => deleteButtons().map((button) => (button as HTMLElement).tabIndex);
  expect(stops()).toEqual([-1, -1, 0]);
  const press = (key: string) => fireEvent.keyDown(document.activeElement as Element, { key });
  act(() => (deleteButtons()[2] as HTMLElement).focus());
  press('ArrowUp');
  press('ArrowUp');
  expect(document.activeElement).toBe(deleteButtons()[0]);
  expect(stops()).toEqual([0, -1, -1]);
  press('ArrowUp');
  press('ArrowDown');
  expect(document.activeElement).toBe(deleteButtons()[1]);
});
