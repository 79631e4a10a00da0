/** One room: its head, its conversation in whatever state it is, and the composer. */
import { errorCodes, GossipError, type LogEvent } from '@gossip-log/core';
import { view, where } from '@gossip-log/core/view';
import { useConnection, useGossipLog, useGossipNode, useView, useViewSource } from '@gossip-log/react';
import { type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import { useClockTrouble } from '../clock-trouble.js';
import { readMessage } from '../message.js';
import { isMessage, peopleLabel, windowRows } from '../message-rows.js';
import { keepPlace, placeIn } from '../places.js';
import type { Profile } from '../profile.js';
import { Announcer } from './announcer.js';
import { Composer } from './composer.js';
import { ConnectionBanner } from './connection-banner.js';
import { DeleteDialog } from './delete-dialog.js';
import { DoneIcon, LinkIcon, MenuIcon, WarningIcon } from './icons.js';
import { MessageList, type MessageListHandle } from './message-list.js';
import { HeldBack, Notices } from './notices.js';

/** Twice what the document holds: older messages are asked for by those who scroll up, not by whoever looks in. */
const newest = { last: 2 * windowRows };

interface RoomProps {
  readonly room: string;
  readonly profile: Profile;
  readonly composer: RefObject<HTMLTextAreaElement | null>;
  readonly onOpenRooms: () => void;
}

export function Room({ room, profile, composer, onOpenRooms }: RoomProps) {
  const node = useGossipNode();
  // Back to where somebody read, as far as that lies.
  const [place] = useState(() => placeIn(room));
  const options = { window: place === undefined ? newest : { since: place.timestamp } };
  const { status, append, redact, error, hasOlder, isLoadingOlder, loadOlder } = useGossipLog(room, options);
  const clockAheadMs = useClockTrouble() ?? 0;
  const isOnline = useConnection().status === 'online';
  const source = useViewSource(room, options);
  // What newer versions of the chat write, and what is no message, is left out.
  const events = useView(useMemo(() => view(source, where(isMessage)), [source]));
  const list = useRef<MessageListHandle>(null);
  const [doomed, setDoomed] = useState<LogEvent>();
  const [deleted, setDeleted] = useState(0);
  // Deleted in another tab meanwhile, it is another object.
  const isThere = doomed !== undefined && events.at(events.indexOf(doomed)) === doomed;
  const focusedBefore = useRef<Element>(null);
  const { id, name, color } = profile;

  useEffect(() => {
    focusedBefore.current = document.activeElement;
  }, []);
  useEffect(() => {
    // On a touch screen this would open the keyboard over the room. Who went elsewhere while it opened stays there.
    const awaited = document.activeElement === focusedBefore.current && matchMedia('(pointer: fine)').matches;
    if (status === 'ready' && awaited) composer.current?.focus();
  }, [status, composer]);

  const send = (text: string): void => {
    // It would wait until that time comes, and with it all that is written in this room behind it.
    if (clockAheadMs > 0) throw new Error('the clock of this device is ahead. Set its date and time first.');
    append({ text, author: { id, name, color } });
    // Who writes wants to be heard: not after a long pause.
    if (node?.connection().status === 'offline') node.reconnect();
    list.current?.jumpToNewest();
  };

  const remove = ({ id }: LogEvent): void => {
    redact(id, { now: true });
    if (node?.connection().status === 'offline') node.reconnect();
    setDeleted((count) => count + 1);
    list.current?.focus();
  };

  return (
    <>
      <header className="room-head">
        <button type="button" className="icon-button drawer-open" aria-label="Rooms" onClick={onOpenRooms}>
          <MenuIcon />
        </button>
        <div className="room-title">
          <h1>
            <span aria-hidden="true">#</span>
            <bdi>{room}</bdi>
          </h1>
          <p>{peopleLabel(events.slice(-windowRows), id) || '\u00a0'}</p>
        </div>
        <CopyLinkButton />
      </header>
      <Notices />
      <HeldBack events={events} />
      <ConnectionBanner />
      {status === 'ready' && error !== undefined && (
        <p className="banner warning" role="alert">
          <WarningIcon />
          <span>
            {error instanceof GossipError && error.code === 'forbidden' ? (
              <strong>The relay does not let you read, write or delete here.</strong>
            ) : (
              <>
                <strong>This device cannot save or read messages right now.</strong> {advice(error)}
              </>
            )}
          </span>
        </p>
      )}
      {status === 'failed' ? (
        <Failure error={error} />
      ) : status !== 'ready' ? (
        <Loading />
      ) : events.length === 0 && !hasOlder ? (
        <Empty />
      ) : (
        <MessageList
          ref={list}
          events={events}
          profileId={id}
          onJumped={() => composer.current?.focus()}
          onDelete={setDoomed}
          hasOlder={hasOlder}
          isLoadingOlder={isLoadingOlder}
          loadOlder={() => loadOlder(windowRows)}
          isOnline={isOnline}
          isExplained={error !== undefined}
          place={placeIn(room)}
          onLeave={(left) => keepPlace(room, left)}
        />
      )}
      {isThere && (
        <DeleteDialog
          text={readMessage(doomed.payload)?.text ?? ''}
          onDelete={() => remove(doomed)}
          onClose={() => setDoomed(undefined)}
        />
      )}
      <p className="visually-hidden" role="status">
        {deleted > 0 && <span key={deleted}>Message deleted</span>}
      </p>
      {status === 'ready' && <Announcer events={events} profileId={id} />}
      <Composer room={room} disabled={status === 'opening' || status === 'disabled'} onSend={send} ref={composer} />
    </>
  );
}

function advice(error: unknown): string {
  return error instanceof GossipError ? errorCodes[error.code] : 'Loading the page again may help.';
}

function CopyLinkButton() {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  // Pages that are not secure (a chat at home, by address) have no clipboard; the address bar serves.
  if (navigator.clipboard === undefined) return null;
  const copy = (): void => {
    navigator.clipboard.writeText(location.href).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <button type="button" className="button quiet" onClick={copy}>
      {copied ? <DoneIcon /> : <LinkIcon />}
      <span>{copied ? 'Copied' : 'Invite'}</span>
      <span className="visually-hidden" aria-live="polite">
        {copied ? 'The address of this room is in the clipboard' : ''}
      </span>
    </button>
  );
}

function Loading() {
  return (
    <div className="conversation loading" aria-busy="true">
      <p className="visually-hidden">Opening the room</p>
      {['w6', 'w4', 'own w5', 'w7', 'own w3'].map((kind) => (
        <span key={kind} className={`ghost ${kind}`} aria-hidden="true" />
      ))}
    </div>
  );
}

function Empty() {
  return (
    <div className="conversation notice">
      <svg width="132" height="92" viewBox="0 0 132 92" fill="none" aria-hidden="true" className="empty-drawing">
        <path d="M38 58 66 26l28 32M38 58h56" />
        <circle cx="66" cy="24" r="15" />
        <circle cx="36" cy="62" r="12" />
        <circle cx="96" cy="62" r="12" className="bright" />
        <path d="M60 22h12M60 27.5h7" className="words" />
      </svg>
      <h2>Nobody has said a word yet</h2>
      <p>Write the first message. Whoever opens this address will read it, even if you are long gone by then.</p>
    </div>
  );
}

function Failure({ error }: { readonly error: unknown }) {
  return (
    <div className="conversation notice" role="alert">
      <WarningIcon />
      <h2>This room cannot be opened</h2>
      <p>{advice(error)}</p>
      {error instanceof Error && <p className="detail">{error.message}</p>}
      <button type="button" className="button primary" onClick={() => location.reload()}>
        Try again
      </button>
    </div>
  );
}
