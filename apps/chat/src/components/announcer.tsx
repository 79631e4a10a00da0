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

interface Waiting {
  /** To be told. */
  events: LogEvent[];
  /** What the region says. */
  told: LogEvent[];
  timer: ReturnType<typeof setTimeout> | undefined;
}

export function Announcer({ events, profileId }: { readonly events: Snapshot; readonly profileId: string }) {
  const region = useRef<HTMLDivElement>(null);
  /** The newest message when it was last looked. */
  const last = useRef(events.at(-1));
  const waiting = useRef<Waiting>({ events: [], told: [], timer: undefined });

  // Into the document, not into a state: a state that is set after every render makes a second one of each, and at a
  // hundred messages a second React takes that for an endless loop.
  useEffect(() => {
    const from = last.current === undefined ? 0 : events.indexOf(last.current) + 1;
    last.current = events.at(-1);
    const others = events.slice(from).filter((event) => {
      const message = readMessage(event.payload);
      return message !== undefined && (message.author.id ?? '') !== profileId;
    });
    const queue = waiting.current;
    // A deleted message is not read out any more, and its text does not stay here either.
    const isThere = (event: LogEvent) => events.at(events.indexOf(event)) === event;
    queue.events = queue.events.filter(isThere);
    if (!queue.told.every(isThere) && region.current !== null) region.current.textContent = '';
    queue.told = queue.told.filter(isThere);
    if (others.length === 0) return;
    queue.events.push(...others);
    const tell = (): void => {
      queue.timer = undefined;
      if (queue.events.length === 0) return;
      queue.told = queue.events.splice(0);
      if (region.current !== null) region.current.textContent = announcement(queue.told);
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
