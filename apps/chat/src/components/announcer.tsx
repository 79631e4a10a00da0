/** Reads new messages of others aloud: those that come at the end while the room is open, not what was there. */
import type { LogEvent, Snapshot } from '@gossip-log/core';
import { useEffect, useRef } from 'react';
import { wholeCharacters } from '../characters.js';
import { readMessage } from '../message.js';

/** So many at once are read out; more are counted. */
const readOutMax = 3;
/** Characters read out of one message: a long one would keep the listener for a quarter of an hour. */
export const readOutCharsMax = 200;
/** Time between two announcements: what comes meanwhile is told together. */
export const announcePauseMs = 1_000;

export function Announcer({ events, profileId }: { readonly events: Snapshot; readonly profileId: string }) {
  const region = useRef<HTMLDivElement>(null);
  /** The newest message when it was last looked. */
  const last = useRef(events.at(-1));
  const waiting = useRef<{ readonly events: LogEvent[]; timer: ReturnType<typeof setTimeout> | undefined }>({
    events: [],
    timer: undefined,
  });

  // Into the document, not into a state: a state that is set after every render makes a second one of each, and at a
  // hundred messages a second React takes that for an endless loop.
  useEffect(() => {
    const from = last.current === undefined ? 0 : events.indexOf(last.current) + 1;
    last.current = events.at(-1);
    const others = events.slice(from).filter((event) => (readMessage(event.payload)?.author.id ?? '') !== profileId);
    if (others.length === 0) return;
    const queue = waiting.current;
    queue.events.push(...others);
    const tell = (): void => {
      queue.timer = undefined;
      if (queue.events.length === 0) return;
      if (region.current !== null) region.current.textContent = announcement(queue.events.splice(0));
      queue.timer = setTimeout(tell, announcePauseMs);
    };
    if (queue.timer === undefined) tell();
  }, [events, profileId]);
  useEffect(() => {
    const queue = waiting.current;
    return () => {
      clearTimeout(queue.timer);
      queue.timer = undefined;
    };
  }, []);

  return <div className="visually-hidden" aria-live="polite" ref={region} />;
}

function announcement(events: readonly LogEvent[]): string {
  if (events.length > readOutMax) return `${events.length.toLocaleString()} new messages`;
  const lines = events.map((event) => {
    const { author, text } = readMessage(event.payload) ?? { author: { name: '' }, text: '' };
    const beginning = text.slice(0, wholeCharacters(text, Math.min(text.length, readOutCharsMax)));
    return `${author.name}: ${beginning}${beginning.length < text.length ? '…' : ''}`;
  });
  return lines.join('\n');
}
