/** The whole: who you are first, then rooms beside the one that is open. On narrow screens the rooms are a drawer. */
import { type KeyboardEvent, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { ProfileDialog, Welcome } from './components/profile-form.js';
import { Room } from './components/room.js';
import { Sidebar } from './components/sidebar.js';
import { useLocalValue } from './local-value.js';
import { type Profile, profile } from './profile.js';
import { useRooms } from './rooms.js';

export function App() {
  const known = useLocalValue(profile);
  return known === undefined ? <Welcome /> : <Chat profile={known} />;
}

function Chat({ profile }: { readonly profile: Profile }) {
  const { room, rooms } = useRooms();
  const narrow = useNarrow();
  const [drawer, setDrawer] = useState(false);
  const [editing, setEditing] = useState(false);
  const composer = useRef<HTMLTextAreaElement>(null);
  const sidebar = useRef<HTMLElement>(null);
  const open = narrow && drawer;

  useEffect(() => {
    document.title = `#${room} · gossip`;
  }, [room]);
  useEffect(() => {
    if (!open) return;
    sidebar.current?.querySelector<HTMLElement>('[aria-current]')?.focus();
    // Back to where it was opened from, or to the same button of the room that was chosen.
    return () => document.querySelector<HTMLElement>('.drawer-open')?.focus();
  }, [open]);

  const closeDrawer = (): void => setDrawer(false);

  return (
    <div className="chat" data-drawer={open ? 'open' : undefined}>
      <nav aria-label="Shortcut" className="skip">
        <button type="button" className="button primary" onClick={() => composer.current?.focus()}>
          Skip to writing
        </button>
      </nav>
      <aside
        className="sidebar"
        ref={sidebar}
        inert={narrow && !drawer}
        aria-label="Rooms and settings"
        onKeyDown={(event: KeyboardEvent) => event.key === 'Escape' && closeDrawer()}
      >
        <Sidebar
          room={room}
          rooms={rooms}
          profile={profile}
          onEditProfile={() => setEditing(true)}
          onLeave={closeDrawer}
        />
      </aside>
      {open && <button type="button" className="scrim" aria-label="Close rooms" tabIndex={-1} onClick={closeDrawer} />}
      <main className="room" inert={open}>
        <Room key={room} room={room} profile={profile} composer={composer} onOpenRooms={() => setDrawer(true)} />
      </main>
      {editing && <ProfileDialog current={profile} onClose={() => setEditing(false)} />}
    </div>
  );
}

/** Below this width the style sheet makes the sidebar a drawer, too. */
const narrowScreen = matchMedia('(max-width: 719px)');

function useNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      narrowScreen.addEventListener('change', listener);
      return () => narrowScreen.removeEventListener('change', listener);
    },
    () => narrowScreen.matches,
  );
}
