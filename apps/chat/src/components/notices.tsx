/** What people should know about this page as a whole, and can do something about: a wrong clock, a newer version. */
import { useClockTrouble } from '../clock-trouble.js';
import { useOutdatedPage } from '../page-version.js';
import { durationLabel } from '../time-label.js';
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
          ? 'What you write stays here, and others see it only when their clocks have come that far.'
          : 'You do not see what others write now, and they find your messages among old ones.'}{' '}
        Set date and time of this device, then load the page again.
      </p>
      <LoadAgain />
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
