import type { LogEvent, Snapshot } from '@gossip-log/core';
import { useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { Announcer, announcePauseMs, readOutCharsMax } from './announcer.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
});

function said(place: number, text: string, id = 'ada'): LogEvent {
  const author = { id, name: id, color: '#0f766e' };
  return { id: `r.${place}`, clock: place, timestamp: place, payload: { text, author } } as unknown as LogEvent;
}

interface RoomProps {
  readonly subscribe: (listener: () => void) => () => void;
  readonly read: () => readonly LogEvent[];
}

const Room = ({ subscribe, read }: RoomProps) => (
  <Announcer events={useSyncExternalStore(subscribe, read) as unknown as Snapshot} profileId="me" />
);

/** A room to which messages come, with its announcer on the page. */
function announced(...there: readonly LogEvent[]) {
  let events: readonly LogEvent[] = there;
  const listeners = new Set<() => void>();
  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const errors: unknown[] = [];
  const host = document.createElement('div');
  const root = createRoot(host, { onUncaughtError: (error) => errors.push(error) });
  root.render(<Room subscribe={subscribe} read={() => events} />);
  onTestFinished(() => root.unmount());
  return {
    errors,
    /** Messages come, and React renders what they change before anything else happens. */
    come: async (...more: readonly LogEvent[]) => {
      events = [...events, ...more];
      for (const listener of listeners) listener();
      await Promise.resolve();
    },
    /** One of them is redacted. */
    erase: async (id: string) => {
      events = events.map((event) =>
        event.id === id ? { ...event, payload: undefined, redacted: {} as never } : event,
      );
      for (const listener of listeners) listener();
      await Promise.resolve();
    },
    shown: () => vi.waitFor(() => expect(listeners.size).toBe(1)),
    text: () => host.textContent,
  };
}

test('a message that comes is read out, what was there is not', async () => {
  const { shown, come, text } = announced(said(1, 'old'));
  await shown();
  expect(text()).toBe('');
  await come(said(2, 'new'));
  expect(text()).toBe('ada: new');
});

test('own messages are not read out', async () => {
  const { shown, come, text } = announced();
  await shown();
  await come(said(1, 'mine', 'me'));
  expect(text()).toBe('');
});

test('of a long message the beginning is read out', async () => {
  const { shown, come, text } = announced();
  await shown();
  await come(said(1, 'x'.repeat(15_000)));
  expect(text()).toBe(`ada: ${'x'.repeat(readOutCharsMax)}…`);
});

test('what comes in one moment is told together: a few are read out, many are counted', async () => {
  const { shown, come, text } = announced();
  await shown();
  await come(said(1, 'one'));
  await come(said(2, 'two'));
  await come(said(3, 'three'));
  expect(text()).toBe('ada: one');
  vi.advanceTimersByTime(announcePauseMs);
  expect(text()).toBe('ada: two\nada: three');
  for (let i = 4; i < 24; i++) await come(said(i, 'more'));
  vi.advanceTimersByTime(announcePauseMs);
  expect(text()).toBe('20 new messages');
});

test('a message that is deleted is not read out, and its text does not stay on the page', async () => {
  const { shown, come, erase, text } = announced();
  await shown();
  await come(said(1, 'told secret'));
  await come(said(2, 'waiting secret'), said(3, 'fine'));
  expect(text()).toBe('ada: told secret');
  await erase('r.1');
  expect(text()).toBe('');
  await erase('r.2');
  vi.advanceTimersByTime(announcePauseMs);
  expect(text()).toBe('ada: fine');
  // That the newest message is another object now makes nothing new.
  await erase('r.3');
  vi.advanceTimersByTime(announcePauseMs);
  expect(text()).toBe('');
});

test('a burst, each message rendered before the next comes, is no endless loop to React', async () => {
  const { shown, come, errors } = announced();
  await shown();
  for (let i = 0; i < 200; i++) await come(said(i, 'burst'));
  expect(errors).toEqual([]);
});
