/** One message. Rendered again only when its own row changes: see `MessageRow`. */
import type { LogEvent } from '@gossip-log/core';
import { useDelivery } from '@gossip-log/react';
import { type CSSProperties, memo, type ReactNode, useState } from 'react';
import { readableOn, surfaces } from '../colour.js';
import type { Author, Message } from '../message.js';
import type { MessageRow } from '../message-rows.js';
import { folded, isEmojiOnly, textParts } from '../rich-text.js';
import { dayLabel, momentLabel, timeLabel } from '../time-label.js';
import { Avatar } from './avatar.js';
import { PendingMark, RejectedMark, RelayedMark, StoredMark } from './icons.js';

export const MessageItem = memo(function MessageItem(row: MessageRow) {
  const { event, message, own, startsDay, startsGroup, endsGroup } = row;
  const time = endsGroup ? <Time timestamp={event.timestamp} /> : undefined;
  const className = [
    'message',
    own ? 'own' : 'other',
    startsGroup ? 'starts' : '',
    endsGroup ? 'ends' : '',
    message === undefined ? 'unreadable' : '',
  ].join(' ');
  return (
    <li className={className} data-event-id={event.id}>
      {startsDay && (
        <div className="day">
          <span>{dayLabel(event.timestamp, Date.now())}</span>
        </div>
      )}
      {message === undefined ? (
        <p className="bubble">
          Unreadable message <span className="meta">{time}</span>
        </p>
      ) : (
        <>
          {!own && startsGroup && <Name author={message.author} />}
          {!own && endsGroup && <Avatar author={message.author} />}
          <span className="visually-hidden">
            {own ? 'You' : message.author.name}, {timeLabel(event.timestamp)}:{' '}
          </span>
          {own ? <OwnBubble event={event} message={message} time={time} /> : <Bubble text={message.text} meta={time} />}
        </>
      )}
    </li>
  );
});

function Name({ author }: { readonly author: Author }) {
  const style = {
    '--name-light': readableOn(surfaces.light, author.color),
    '--name-dark': readableOn(surfaces.dark, author.color),
  } as CSSProperties;
  return (
    <div className="name" style={style} aria-hidden="true">
      <bdi>{author.name}</bdi>
    </div>
  );
}

function Time({ timestamp }: { readonly timestamp: number }) {
  return (
    <time dir="ltr" dateTime={new Date(timestamp).toISOString()} title={momentLabel(timestamp)}>
      {timeLabel(timestamp)}
    </time>
  );
}

function Bubble({ text, meta }: { readonly text: string; readonly meta: ReactNode }) {
  const [whole, setWhole] = useState(false);
  const shown = whole ? text : folded(text);
  return (
    <div className={isEmojiOnly(text) ? 'bubble emoji' : 'bubble'} dir="auto">
      <span className="text">
        {textParts(shown).map((part, i) =>
          part.kind === 'text' ? (
            part.text
          ) : (
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text never change places
            <a key={i} href={part.href} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">
              {part.text}
            </a>
          ),
        )}
        {shown.length < text.length && '…'}
      </span>
      {shown.length < text.length && (
        <button type="button" className="more" onClick={() => setWhole(true)}>
          Show all
        </button>
      )}
      {meta !== undefined && <span className="meta">{meta}</span>}
    </div>
  );
}

const marks = {
  pending: { Mark: PendingMark, label: 'Not saved yet' },
  stored: { Mark: StoredMark, label: 'Saved on this device, not sent yet' },
  relayed: { Mark: RelayedMark, label: 'Sent: safe at the relay' },
  rejected: { Mark: RejectedMark, label: 'Refused' },
  withdrawn: { Mark: RejectedMark, label: 'Taken back' },
} as const;

interface OwnBubbleProps {
  readonly event: LogEvent;
  readonly message: Message;
  readonly time: ReactNode;
}

function OwnBubble({ event, message, time }: OwnBubbleProps) {
  const delivery = useDelivery(event);
  const { Mark, label } = marks[delivery.state];
  return (
    <>
      <Bubble
        text={message.text}
        meta={
          <>
            {time}
            <span className={`mark ${delivery.state}`} role="img" aria-label={label} title={label}>
              <Mark />
            </span>
          </>
        }
      />
      {delivery.state === 'rejected' && (
        <p className="trouble">Refused, others do not see it: {delivery.error.message}</p>
      )}
    </>
  );
}
