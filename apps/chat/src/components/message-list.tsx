/**
 * The conversation. At most `windowRows` messages are in the document, whatever the room's length.
 *
 * It is in one of two states. *Pinned*: the newest message is in sight and stays so, whatever arrives. *Reading*:
 * somebody scrolled up; the message at the top of the view keeps its place on the screen, whatever is inserted above
 * or below it, and the window follows when the view comes near its edge.
 *
 *     pinned ── scrolled up ──▶ reading ── scrolled to the end, or "Jump to newest", or sent ──▶ pinned
 */
import type { EventId, LogEvent, Snapshot } from '@gossip-log/core';
import type { FocusEvent, KeyboardEvent, Ref } from 'react';
import { useEffect, useEffectEvent, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { messageRows, windowAround, windowRows } from '../message-rows.js';
import type { Place } from '../places.js';
import { DownIcon } from './icons.js';
import { MessageItem } from './message-item.js';
import { OlderButton } from './older-button.js';

/** So near to the end counts as the end: a nudge of the wheel does not unpin. */
const endPx = 48;
/** The window follows when fewer rows than these are left above or below the view. */
const marginRows = Math.floor(windowRows / 5);

/** The state *reading*; *pinned* is `undefined`. */
interface Reading {
  /** The window lies around it. */
  readonly focus: LogEvent;
  /** The last event that was in sight: what comes after it is new. */
  readonly seen: LogEvent;
}

/** What became of the wish for older messages. */
interface OlderAnswer {
  readonly came: number;
  /** The first message then: once there is another one, older ones came after all. */
  readonly first: LogEvent | undefined;
}

export interface MessageListHandle {
  jumpToNewest(): void;
  /** The conversation gets the focus, where it stands. */
  focus(): void;
}

interface MessageListProps {
  readonly events: Snapshot;
  readonly profileId: string;
  readonly ref: Ref<MessageListHandle>;
  /** The button that had the focus is gone. */
  readonly onJumped: () => void;
  /** Somebody wants to delete their own message. The same function in every render. */
  readonly onDelete: (event: LogEvent) => void;
  /** There are older messages than `events`. */
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  /** Others can be asked for older messages now. */
  readonly isOnline: boolean;
  /** The page says already why nothing can be read. */
  readonly isExplained: boolean;
  /** Resolves with how many came. Asked for again meanwhile, it reads once. */
  readonly loadOlder: () => Promise<number>;
  /** Where reading begins. Default: at the end. */
  readonly place: Place | undefined;
  /** The list goes: there somebody was reading; `undefined` at the end. */
  readonly onLeave: (place: Place | undefined) => void;
}

export function MessageList(props: MessageListProps) {
  const { events, profileId, ref, onJumped, onDelete, hasOlder, isLoadingOlder, loadOlder, place, onLeave } = props;
  const [reading, setReading] = useState<Reading | undefined>(() => readingAt(place, events));
  const [older, setOlder] = useState<OlderAnswer>();
  const scroller = useRef<HTMLElement>(null);
  const list = useRef<HTMLOListElement>(null);
  // What keeps its place: a message, or the end. Known at once when somebody scrolls, while the state takes a moment.
  const held = useRef<{ readonly element: Element; readonly event: LogEvent; readonly top: number }>(undefined);

  const { from, to } = windowAround(events.length, reading && events.indexOf(reading.focus));
  const rows = useMemo(() => messageRows(events.slice(from, to), profileId), [events, from, to, profileId]);
  // The message whose button Tab comes to: the one that had the focus last, or the newest own one.
  const [focused, setFocused] = useState<EventId>();
  const deletable = rows.filter(({ own, message }) => own && message !== undefined);
  const tabStop = (deletable.find(({ event }) => event.id === focused) ?? deletable.at(-1))?.event.id;
  const unseen = reading === undefined ? 0 : events.length - 1 - events.indexOf(reading.seen);

  const leave = useEffectEvent(() => {
    const { current } = held;
    const seenId = reading?.seen.id;
    onLeave(
      current === undefined || seenId === undefined
        ? undefined
        : { id: current.event.id, timestamp: current.event.timestamp, top: current.top, seenId },
    );
  });
  const takePlace = useEffectEvent(() => {
    const element = place && list.current?.querySelector(`[data-event-id="${CSS.escape(place.id)}"]`);
    if (place === undefined || reading === undefined || element == null) return;
    held.current = { element: bubbleOf(element), event: reading.focus, top: place.top };
  });
  useLayoutEffect(() => {
    takePlace();
    return () => leave();
  }, []);

  /** Brings the view back to what it holds. */
  const settle = (): void => {
    const box = scroller.current;
    if (box === null) return;
    if (held.current === undefined) box.scrollTop = box.scrollHeight;
    else if (held.current.element.isConnected) box.scrollTop += topWithin(box, held.current.element) - held.current.top;
  };
  // After every change of rows, before it is painted. Browsers that anchor by themselves disagree in detail, and one
  // does not do it at all: the style sheet switches that off.
  useLayoutEffect(settle);
  const settleLater = useEffectEvent(settle);
  useEffect(() => {
    const observer = new ResizeObserver(() => settleLater());
    observer.observe(scroller.current as Element);
    observer.observe(list.current as Element);
    return () => observer.disconnect();
  }, []);

  const isAtFirst = from === 0 && hasOlder;
  const hasFailed = !props.isExplained && older !== undefined && older.came === 0 && older.first === events.at(0);

  const onScroll = (): void => {
    const box = scroller.current as HTMLElement;
    if (to === events.length && box.scrollHeight - box.scrollTop - box.clientHeight < endPx) {
      held.current = undefined;
      setReading(undefined);
      return;
    }
    const items = (list.current as HTMLElement).children;
    const first = firstRowBelow(items, box, 0);
    const last = Math.min(firstRowBelow(items, box, box.clientHeight), rows.length - 1);
    const row = items[first];
    const focus = rows[first]?.event;
    const lowest = rows[last]?.event;
    if (row === undefined || focus === undefined || lowest === undefined) return;
    const bubble = bubbleOf(row);
    held.current = { element: bubble, event: focus, top: topWithin(box, bubble) };
    const nearTop = first < marginRows;
    if (nearTop && isAtFirst) loadOlder();
    const nearEdge = (nearTop && (from > 0 || hasOlder)) || (last > rows.length - marginRows && to < events.length);
    setReading((was) => {
      if (was === undefined) return { focus, seen: events.at(-1) ?? lowest };
      const seen = events.indexOf(lowest) > events.indexOf(was.seen) ? lowest : was.seen;
      return nearEdge || seen !== was.seen ? { focus: nearEdge ? focus : was.focus, seen } : was;
    });
  };

  const showOlder = async (): Promise<void> => {
    const came = await loadOlder();
    setOlder({ came, first: events.at(0) });
  };

  const jumpToNewest = (): void => {
    held.current = undefined;
    setReading(undefined);
    // Also where the state was `pinned` already, but the view not quite at the end.
    settle();
  };
  const focus = (): void => scroller.current?.focus({ preventScroll: true });
  useImperativeHandle(ref, () => ({ jumpToNewest, focus }));

  return (
    <div className="conversation">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className="scroller" ref={scroller} onScroll={onScroll} tabIndex={0} aria-label="Conversation">
        {isAtFirst && (
          <OlderButton
            isLoading={isLoadingOlder}
            hasFailed={hasFailed}
            isOnline={props.isOnline}
            onPress={showOlder}
            scroller={scroller}
          />
        )}
        <ol
          className="messages"
          ref={list}
          onFocus={({ target }: FocusEvent) => {
            if (target.matches('.delete')) setFocused(eventIdAt(target));
          }}
          onKeyDown={moveAlong}
        >
          {rows.map((row) => (
            <MessageItem key={row.event.id} {...row} isTabStop={row.event.id === tabStop} onDelete={onDelete} />
          ))}
        </ol>
      </section>
      <p className="visually-hidden" role="status">
        {older !== undefined && older.came > 0 && olderLabel(older.came)}
      </p>
      {reading !== undefined && (
        <button
          type="button"
          className="jump"
          onClick={() => {
            jumpToNewest();
            onJumped();
          }}
        >
          <DownIcon />
          {unseen > 0 ? `${unseen.toLocaleString()} new` : 'Jump to newest'}
        </button>
      )}
    </div>
  );
}

/** Up and down lead from the button of one message to that of the next. */
function moveAlong(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (step === undefined || !(event.target instanceof Element) || !event.target.matches('.delete')) return;
  event.preventDefault();
  const buttons = Array.from(event.currentTarget.querySelectorAll<HTMLElement>('.delete'));
  buttons[buttons.indexOf(event.target as HTMLElement) + step]?.focus();
}

function eventIdAt(inside: Element): EventId {
  return inside.closest('[data-event-id]')?.getAttribute('data-event-id') as EventId;
}

/** The state in which somebody reads on at a place; `undefined` where the messages are not there any more. */
function readingAt(place: Place | undefined, events: Snapshot): Reading | undefined {
  if (place === undefined) return undefined;
  let focus: LogEvent | undefined;
  let seen: LogEvent | undefined;
  for (const event of events) {
    if (event.id === place.id) focus = event;
    if (event.id === place.seenId) seen = event;
  }
  return focus && { focus, seen: seen ?? focus };
}

function olderLabel(count: number): string {
  return count === 1 ? '1 older message' : `${count.toLocaleString()} older messages`;
}

/** What of a row keeps its place: not the row, for the day and the name above its text come and go with the row before. */
function bubbleOf(row: Element): Element {
  return row.querySelector('.bubble') ?? row;
}

/** Index of the first row that ends below `y`, a distance from the top of `box`. */
function firstRowBelow(items: HTMLCollection, box: Element, y: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle] as Element;
    if (topWithin(box, item) + item.clientHeight > y) high = middle;
    else low = middle + 1;
  }
  return low;
}

function topWithin(box: Element, row: Element): number {
  return row.getBoundingClientRect().top - box.getBoundingClientRect().top;
}
