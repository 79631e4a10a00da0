/** Nickname and colour: the whole first visit, and a dialog later. */
import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { type Colour, palette } from '../colour.js';
import { cleanName, nameCharsMax } from '../message.js';
import { drawProfileId, type Profile, profile } from '../profile.js';
import { Avatar } from './avatar.js';
import { CloseIcon, Logo } from './icons.js';

/** The first visit. */
export function Welcome() {
  return (
    <main className="welcome">
      <div className="welcome-card">
        <Logo />
        <h1>Keep writing when the connection drops.</h1>
        <p>Everything you read and write is kept on this device and shared with the room as soon as there is a way.</p>
        <ProfileForm start={undefined} action="Start chatting" onDone={() => {}} />
      </div>
    </main>
  );
}

/** The dialog for a change. */
export function ProfileDialog({ current, onClose }: { readonly current: Profile; readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={title} onClose={onClose}>
      <header>
        <h2 id={title}>You</h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={() => dialog.current?.close()}>
          <CloseIcon />
        </button>
      </header>
      <ProfileForm start={current} action="Save" onDone={() => dialog.current?.close()} />
    </dialog>
  );
}

interface ProfileFormProps {
  /** What is changed; `undefined` on the first visit. */
  readonly start: Profile | undefined;
  readonly action: string;
  readonly onDone: () => void;
}

function ProfileForm({ start, action, onDone }: ProfileFormProps) {
  const [name, setName] = useState(start?.name ?? '');
  // People who never choose should not all look alike.
  const [color, setColor] = useState<Colour>(
    () =>
      start?.color ??
      (palette[(crypto.getRandomValues(new Uint8Array(1))[0] as number) % palette.length]?.color as Colour),
  );
  const [asked, setAsked] = useState(false);
  const id = useId();
  const clean = cleanName(name);
  const missing = asked && clean === '';

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setAsked(true);
    if (clean === '') return;
    profile.set({ id: start?.id ?? drawProfileId(), name: clean, color });
    onDone();
  };

  return (
    <form className="profile-form" onSubmit={submit} noValidate>
      <div className="profile-name">
        <Avatar author={{ name: clean === '' ? '?' : clean, color }} />
        <div className="field">
          <label htmlFor={`${id}name`}>Your nickname</label>
          <input
            id={`${id}name`}
            dir="auto"
            autoComplete="nickname"
            maxLength={nameCharsMax * 2}
            value={name}
            onChange={(event) => setName(event.target.value)}
            aria-invalid={missing}
            aria-describedby={missing ? `${id}missing` : undefined}
            // biome-ignore lint/a11y/noAutofocus: the form is all there is, and this its one question
            autoFocus
          />
          {missing && (
            <p id={`${id}missing`} className="trouble" role="alert">
              Others need something to call you.
            </p>
          )}
        </div>
      </div>
      <fieldset>
        <legend>Your colour</legend>
        <div className="swatches">
          {palette.map((entry) => (
            <label key={entry.color} className="swatch" title={entry.name}>
              <input
                type="radio"
                name={`${id}color`}
                value={entry.color}
                checked={color === entry.color}
                onChange={() => setColor(entry.color)}
                aria-label={entry.name}
              />
              <span style={{ background: entry.color }} />
            </label>
          ))}
        </div>
      </fieldset>
      <button type="submit" className="button primary">
        {action}
      </button>
    </form>
  );
}
