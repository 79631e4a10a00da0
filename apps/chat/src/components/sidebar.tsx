/** Rooms, the way messages take, who you are, and the theme. */
import { type FormEvent, useId, useState } from 'react';
import { useLocalValue } from '../local-value.js';
import type { Profile } from '../profile.js';
import { cleanRoom, defaultRoom, isRoom, roomAddress } from '../room-address.js';
import { removeRoom } from '../rooms.js';
import { nextTheme, theme } from '../theme.js';
import { Avatar } from './avatar.js';
import { CloseIcon, Logo, MoonIcon, PencilIcon, PlusIcon, SunIcon, SystemIcon } from './icons.js';
import { Network } from './network.js';

interface SidebarProps {
  readonly room: string;
  readonly rooms: readonly string[];
  readonly profile: Profile;
  readonly onEditProfile: () => void;
  /** A room was chosen, or the drawer is to be closed. */
  readonly onLeave: () => void;
}

export function Sidebar({ room, rooms, profile, onEditProfile, onLeave }: SidebarProps) {
  return (
    <>
      <header className="brand">
        <Logo />
        <span className="word-mark">gossip</span>
        <button type="button" className="icon-button drawer-close" aria-label="Close rooms" onClick={onLeave}>
          <CloseIcon />
        </button>
      </header>
      <nav aria-label="Rooms" className="rooms">
        <ul>
          {rooms.map((name) => (
            <li key={name}>
              <a href={roomAddress(name)} aria-current={name === room ? 'page' : undefined} onClick={onLeave}>
                <span className="hash" aria-hidden="true">
                  #
                </span>
                <bdi>{name}</bdi>
              </a>
              {name !== room && name !== defaultRoom && (
                <button
                  type="button"
                  className="icon-button"
                  aria-label={`Take ${name} off the list`}
                  title="Take off the list"
                  onClick={() => removeRoom(name)}
                >
                  <CloseIcon />
                </button>
              )}
            </li>
          ))}
        </ul>
        <RoomForm onJoined={onLeave} />
      </nav>
      <Network />
      <footer className="you">
        <button type="button" className="you-button" onClick={onEditProfile}>
          <Avatar author={profile} />
          <bdi>{profile.name}</bdi>
          <span className="visually-hidden">(change nickname and colour)</span>
          <PencilIcon />
        </button>
        <ThemeButton />
      </footer>
    </>
  );
}

function RoomForm({ onJoined }: { readonly onJoined: () => void }) {
  const [text, setText] = useState('');
  const [refused, setRefused] = useState(false);
  const id = useId();

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const room = cleanRoom(text);
    if (room === '') return;
    setRefused(!isRoom(room));
    if (!isRoom(room)) return;
    setText('');
    location.hash = roomAddress(room);
    onJoined();
  };

  return (
    <form className="room-form" onSubmit={submit}>
      <label htmlFor={id} className="visually-hidden">
        Join or create a room
      </label>
      <input
        id={id}
        dir="auto"
        placeholder="Join or create a room"
        autoComplete="off"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setRefused(false);
        }}
        aria-invalid={refused}
      />
      <button type="submit" className="icon-button" aria-label="Open room" title="Open room">
        <PlusIcon />
      </button>
      {refused && (
        <p className="trouble" role="alert">
          This name is too long for a room.
        </p>
      )}
    </form>
  );
}

const themeIcons = { system: SystemIcon, light: SunIcon, dark: MoonIcon } as const;

function ThemeButton() {
  const chosen = useLocalValue(theme);
  const Icon = themeIcons[chosen];
  const label = `Theme: ${chosen}`;
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      title={label}
      onClick={() => theme.set(nextTheme(chosen))}
    >
      <Icon />
    </button>
  );
}
