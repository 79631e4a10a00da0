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
import { BinIcon, GoneMark, RejectedMark, SentMark, WaitingMark } from './icons.js';

interface MessageItemProps extends MessageRow {
  /** Tab comes to the buttons of the list at one message; arrow keys lead on from there. */
  readonly isTabStop: boolean;
  /** Somebody wants to delete their own message. The same function in every render. */
  readonly onDelete: (event: LogEvent) => void;
}

export const MessageItem = memo(function MessageItem(row: MessageItemProps) {
  const { event, message, author, own, tag, startsDay, startsGroup, endsGroup, isTabStop, onDelete } = row;
  const time = endsGroup ? <Time timestamp={event.timestamp} /> : undefined;
  const name = own ? 'You' : `${author?.name ?? 'Somebody'} ${tag}`.trim();
  const className = ['message', own ? 'own' : 'other', startsGroup ? 'starts' : '', endsGroup ? 'ends' : ''].join(' ');
  return (
    <li className={className} data-event-id={event.id}>
      {startsDay && <Day timestamp={event.timestamp} />}
      {!own && startsGroup && author !== undefined && <Name author={author} tag={tag} />}
      {!own && endsGroup && author !== undefined && <Avatar author={author} />}
      <span className="visually-hidden">
        {name}, {timeLabel(event.timestamp)}:{' '}
      </span>
      {message === undefined ? (
        own ? (
          <OwnTombstone event={event} time={time} />
        ) : (
          <Tombstone meta={time} />
        )
      ) : own ? (
        <OwnBubble {...{ event, message, time, isTabStop, onDelete }} />
      ) : (
        <Bubble message={message} meta={time} />
      )}
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

/** In the place of a message that was deleted. */
function Tombstone({ meta }: { readonly meta: ReactNode }) {
  return (
    <div className="bubble deleted">
      <GoneMark />
      <span className="text">Message deleted</span>
      {meta !== undefined && <span className="meta">{meta}</span>}
    </div>
  );
}

function OwnTombstone({ event, time }: { readonly event: LogEvent; readonly time: ReactNode }) {
  const delivery = useDelivery(event);
  const waits = delivery.state === 'pending' || delivery.state === 'stored';
  return (
    <>
      <Tombstone
        meta={
          waits || time !== undefined ? (
            <>
              {time}
              {waits && <Mark state={delivery.state} label="Others still see it: not sent yet" />}
            </>
          ) : undefined
        }
      />
      {delivery.state === 'rejected' && (
        <p className="trouble">Deleted on this device alone, others still see it: {delivery.error.message}</p>
      )}
    </>
  );
}

const marks = {
  pending: { Icon: WaitingMark, label: 'Not saved yet' },
  stored: { Icon: WaitingMark, label: 'Saved on this device, not sent yet' },
  relayed: { Icon: SentMark, label: 'Sent: safe at the relay' },
  rejected: { Icon: RejectedMark, label: 'Refused' },
} as const;

/** How far something of one's own has come. */
function Mark({ state, label = marks[state].label }: { readonly state: keyof typeof marks; readonly label?: string }) {
  const { Icon } = marks[state];
  return (
    <span className={`mark ${state}`} role="img" aria-label={label} title={label}>
      <Icon />
    </span>
  );
}

interface OwnBubbleProps extends Pick<MessageItemProps, 'event' | 'isTabStop' | 'onDelete'> {
  readonly message: ReadMessage;
  readonly time: ReactNode;
}

function OwnBubble({ event, message, time, isTabStop, onDelete }: OwnBubbleProps) {
  const delivery = useDelivery(event);
  return (
    <>
      <div className="line">
        <button
          type="button"
          className="icon-button delete"
          aria-label="Delete message"
          title="Delete message"
          tabIndex={isTabStop ? 0 : -1}
          onClick={() => onDelete(event)}
        >
          <BinIcon />
        </button>
        <Bubble
          message={message}
          meta={
            <>
              {time}
              <Mark state={delivery.state} />
            </>
          }
        />
      </div>
      {delivery.state === 'rejected' && (
        <p className="trouble">Refused, others do not see it: {delivery.error.message}</p>
      )}
    </>
  );
}
