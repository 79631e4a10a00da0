/** Stands above the first message in memory while there are older ones. Near it they are read by themselves, too. */
import { type RefObject, useLayoutEffect, useRef } from 'react';

interface OlderButtonProps {
  readonly isLoading: boolean;
  /** It was pressed, and nothing came. */
  readonly hasFailed: boolean;
  readonly isOnline: boolean;
  readonly onPress: () => void;
  /** Is given the focus of the button when that goes: whoever pressed it reads on there. */
  readonly scroller: RefObject<HTMLElement | null>;
}

export function OlderButton({ isLoading, hasFailed, isOnline, onPress, scroller }: OlderButtonProps) {
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    const own = button.current;
    return () => {
      if (document.activeElement === own) scroller.current?.focus({ preventScroll: true });
    };
  }, [scroller]);
  // Not `disabled`, with which it would lose the focus.
  return (
    <div className="older">
      <button type="button" className="button quiet" ref={button} aria-disabled={isLoading} onClick={onPress}>
        {isLoading ? 'Reading older messages…' : 'Show older messages'}
      </button>
      <p role="status">
        {hasFailed &&
          !isLoading &&
          (isOnline
            ? 'No older messages came. Nobody who has them may be connected now: try again later.'
            : 'You are offline, and this device has no older messages. They come once you are connected.')}
      </p>
    </div>
  );
}
