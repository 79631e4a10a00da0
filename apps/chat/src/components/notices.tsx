/** What people should know about this page as a whole, and can do something about: a wrong clock, a newer version. */
import type { Snapshot } from '@gossip-log/core';
import { useClockTrouble } from '../clock-trouble.js';
import { useOutdatedPage } from '../page-version.js';
import { dayNumber, durationLabel, momentLabel } from '../time-label.js';
import { useToday } from '../today.js';
import { WarningIcon } from './icons.js';

export function Notices() {
  const aheadMs = useClockTrouble();
  const isOutdated = useOutdatedPage();
  return (
    <>
      {/* They stand empty before: screen readers announce only what changes in them. */}
      <div role="alert">{aheadMs !== undefined && <WrongClock aheadMs={aheadMs} />}</div>
      <div role="status">
        {isOutdated && (
          <div className="banner news">
            <p>A newer version of this chat is here.</p>
            <LoadAgain />
          </div>
        )}
      </div>
    </>
  );
}

function WrongClock({ aheadMs }: { readonly aheadMs: number }) {
  const isAhead = aheadMs > 0;
  return (
    <div className="banner warning">
      <WarningIcon />
      <p>
        <strong>
          The clock of this device is {durationLabel(Math.abs(aheadMs))} {isAhead ? 'ahead' : 'behind'}.
        </strong>{' '}
        {isAhead
          ? 'What you write now could be sent only when that time has come.'
          : 'You do not see what others write now, and they find your messages among old ones.'}{' '}
        Set its date and time, then load the page again.
      </p>
      <LoadAgain />
    </div>
  );
}

/**
 * Messages that were written here, without a connection, while the clock was ahead: set right, it says nothing any more,
 * and yet they wait, and all that is written in this room behind them. A day apart is what the node corrects by itself.
 */
export function HeldBack({ events }: { readonly events: Snapshot }) {
  const today = useToday();
  const newest = events.at(-1)?.timestamp ?? 0;
  if (dayNumber(newest) - today < 2) return null;
  return (
    <div className="banner warning" role="alert">
      <WarningIcon />
      <p>
        <strong>You wrote here while the clock of this device was ahead.</strong> Others get those messages, and what
        you write in this room until then, on {momentLabel(newest)}.
      </p>
    </div>
  );
}

function LoadAgain() {
  return (
    <button type="button" className="retry-now" onClick={() => location.reload()}>
      Load again
    </button>
  );
}
