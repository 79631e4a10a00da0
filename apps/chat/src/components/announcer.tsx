/** Reads new messages of others aloud: those that come at the end while the room is open, not what was there. */
import type { Snapshot } from '@gossip-log/core';
import { useEffect, useRef, useState } from 'react';
import { readMessage } from '../message.js';

/** So many at once are read out; more are counted. */
const readOutMax = 3;

export function Announcer({ events, profileId }: { readonly events: Snapshot; readonly profileId: string }) {
  const [text, setText] = useState('');
  const last = useRef(events.at(-1));
  useEffect(() => {
    const from = last.current === undefined ? 0 : events.indexOf(last.current) + 1;
    const count = events.length - from;
    last.current = events.at(-1);
    if (count === 0) return;
    if (count > readOutMax) {
      setText(`${count} new messages`);
      return;
    }
    const others = events
      .slice(from)
      .map((event) => readMessage(event.payload))
      .filter((message) => message !== undefined && message.author.id !== profileId);
    if (others.length > 0) setText(others.map((message) => `${message?.author.name}: ${message?.text}`).join('\n'));
  }, [events, profileId]);
  return (
    <div className="visually-hidden" aria-live="polite">
      {text}
    </div>
  );
}
