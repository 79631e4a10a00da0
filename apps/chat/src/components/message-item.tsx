/** One message. Rendered again only when its own row changes: see `MessageRow`. */
import type { LogEvent } from '@gossip-log/core';
import { useDelivery } from '@gossip-log/react';
import { type CSSProperties, memo, type ReactNode, useState } from 'react';
import { readableOn, surfaces } from '../colour.js';
import type { Author, ReadMessage } from '../message.js';
import type { MessageRow } from '../message-rows.js';
import { folded, isEmojiOnly, textParts } from '../rich-text.js';
import { dayLabel, momentLabel, timeLabel } from '../time-label.js';
import { useToday } from '../today.js';
import { Avatar } from './avatar.js';
import { RejectedMark, SentMark, WaitingMark } from './icons.js';

export const MessageItem = memo(function MessageItem(row: MessageRow) {
  const { event, message, own, tag, startsDay, startsGroup, endsGroup } = row;
  const time = endsGroup ? <Time timestamp={event.timestamp} /> : undefined;
  const className = ['message', own ? 'own' : 'other', startsGroup ? 'starts' : '', endsGroup ? 'ends' : ''].join(' ');
  return (
    <li className={className} data-event-id={event.id}>
      {startsDay && <Day timestamp={event.timestamp} />}
      {!own && startsGroup && <Name author={message.author} tag={tag} />}
      {!own && endsGroup && <Avatar author={message.author} />}
      <span className="visually-hidden">
        {own ? 'You' : `${message.author.name} ${tag}`.trim()}, {timeLabel(event.timestamp)}:{' '}
      </span>
      {own ? <OwnBubble event={event} message={message} time={time} /> : <Bubble message={message} meta={time} />}
    </li>
  );
});

function Day({ timestamp }: { readonly timestamp: number }) {
  const today = useToday();
  return (
    <div className="day">
      <span>{dayLabel(timestamp, today)}</span>
    </div>
  );
}

function Name({ author, tag }: { readonly author: Author; readonly tag: string }) {
  const style = {
    '--name-light': readableOn(surfaces.light, author.color),
    '--name-dark': readableOn(surfaces.dark, author.color),
  } as CSSProperties;
  return (
    <div className="name" style={style} aria-hidden="true">
      <bdi>{author.name}</bdi>
      {tag !== '' && (
        <span className="tag" title="Somebody else here has the same name">
          {tag}
        </span>
      )}
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

function Bubble({ message, meta }: { readonly message: ReadMessage; readonly meta: ReactNode }) {
  const { text, isCut } = message;
  const [whole, setWhole] = useState(false);
  const shown = whole ? text : folded(text);
  const isFolded = shown.length < text.length;
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
        {(isFolded || isCut) && '…'}
      </span>
      {isFolded && (
        <button type="button" className="more" onClick={() => setWhole(true)}>
          Show all
        </button>
      )}
      {!isFolded && isCut && <span className="more">The rest is too long to be shown.</span>}
      {meta !== undefined && <span className="meta">{meta}</span>}
    </div>
  );
}

const marks = {
  pending: { Mark: WaitingMark, label: 'Not saved yet' },
  stored: { Mark: WaitingMark, label: 'Saved on this device, not sent yet' },
  relayed: { Mark: SentMark, label: 'Sent: safe at the relay' },
  rejected: { Mark: RejectedMark, label: 'Refused' },
} as const;

interface OwnBubbleProps {
  readonly event: LogEvent;
  readonly message: ReadMessage;
  readonly time: ReactNode;
}

function OwnBubble({ event, message, time }: OwnBubbleProps) {
  const delivery = useDelivery(event);
  const { Mark, label } = marks[delivery.state];
  return (
    <>
      <Bubble
        message={message}
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
