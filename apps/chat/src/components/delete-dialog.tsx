/** Asks before a message is deleted: it cannot be brought back. */
import { useEffect, useId, useRef, useState } from 'react';
import { wholeCharacters } from '../characters.js';

/** Characters of the message that are shown: enough to know it by. */
const quotedCharsMax = 200;

interface DeleteDialogProps {
  readonly text: string;
  /** Throws when the log refuses it. */
  readonly onDelete: () => void;
  readonly onClose: () => void;
}

export function DeleteDialog({ text, onDelete, onClose }: DeleteDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [refusal, setRefusal] = useState<string>();
  const id = useId();
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const confirm = (): void => {
    try {
      // Closed first: it gives the focus back to a button that goes with the message.
      dialog.current?.close();
      onDelete();
    } catch (error) {
      dialog.current?.showModal();
      setRefusal(`Not deleted: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const quoted = text.slice(0, wholeCharacters(text, Math.min(text.length, quotedCharsMax)));
  return (
    <dialog
      ref={dialog}
      className="dialog delete-dialog"
      aria-labelledby={`${id}title`}
      aria-describedby={`${id}about`}
      onClose={() => dialog.current?.open !== true && onClose()}
    >
      <header>
        <h2 id={`${id}title`}>Delete this message?</h2>
      </header>
      <blockquote dir="auto">
        {quoted}
        {quoted.length < text.length && '…'}
      </blockquote>
      <p id={`${id}about`}>
        Its text is erased, here and for everybody in this room. They still see that there was a message.
      </p>
      {refusal !== undefined && (
        <p className="trouble" role="alert">
          {refusal}
        </p>
      )}
      <div className="choices">
        <button type="button" className="button quiet" onClick={() => dialog.current?.close()}>
          Keep
        </button>
        <button type="button" className="button danger" onClick={confirm}>
          Delete
        </button>
      </div>
    </dialog>
  );
}
