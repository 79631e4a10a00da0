/** Where messages are written. Enter sends, Shift and Enter begin a new line; what is not sent stays as a draft. */
import { type FormEvent, type KeyboardEvent, type Ref, useId, useState } from 'react';
import { keepDraft, useDraft } from '../drafts.js';
import { textCharsMax } from '../message.js';
import { SendIcon } from './icons.js';

interface ComposerProps {
  readonly room: string;
  readonly disabled: boolean;
  /** Throws when the log refuses the message. */
  readonly onSend: (text: string) => void;
  readonly ref: Ref<HTMLTextAreaElement>;
}

export function Composer({ room, disabled, onSend, ref }: ComposerProps) {
  const text = useDraft(room);
  const [refusal, setRefusal] = useState<string>();
  const id = useId();

  const excess = text.trim().length - textCharsMax;
  const trouble =
    excess > 0
      ? `Too long by ${excess.toLocaleString()} characters. Send it in parts, or share a link to it.`
      : refusal;

  const change = (next: string): void => {
    keepDraft(room, next);
    setRefusal(undefined);
  };

  const send = (): void => {
    const ready = text.trim();
    if (ready === '' || excess > 0 || disabled) return;
    try {
      onSend(ready);
      change('');
    } catch (error) {
      setRefusal(`Not sent: ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    // While an input method composes, Enter chooses a word. Safari ends the composition before it tells of the key: 229.
    const composing = event.nativeEvent.isComposing || event.keyCode === 229;
    if (event.key !== 'Enter' || event.shiftKey || composing) return;
    event.preventDefault();
    send();
  };

  return (
    <form
      className="composer"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        send();
      }}
    >
      {trouble !== undefined && (
        <p id={`${id}trouble`} className="trouble" role="alert">
          {trouble}
        </p>
      )}
      <div className="composer-box">
        <label htmlFor={id} className="visually-hidden">
          Message
        </label>
        {/* The style sheet lays the textarea over a copy of its text, which gives it its height. */}
        <div className="grow" data-text={text}>
          <textarea
            id={id}
            ref={ref}
            rows={1}
            dir="auto"
            enterKeyHint="send"
            placeholder={`Message #${room}`}
            value={text}
            disabled={disabled}
            onChange={(event) => change(event.target.value)}
            onKeyDown={onKeyDown}
            aria-invalid={trouble !== undefined}
            aria-describedby={trouble === undefined ? undefined : `${id}trouble`}
          />
        </div>
        <button
          type="submit"
          className="send"
          aria-label="Send"
          title="Send"
          disabled={disabled || text.trim() === '' || excess > 0}
        >
          <SendIcon />
        </button>
      </div>
    </form>
  );
}
