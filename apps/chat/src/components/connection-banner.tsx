/** Says that the connection is gone, what that means, and when it is tried again. Silent while all is well. */
import { useConnection, useGossipNode } from '@gossip-log/react';
import { useEffect, useState } from 'react';
import { countdownLabel } from '../time-label.js';
import { CloudOffIcon } from './icons.js';

/** A connection that returns within this time was never worth a word; nor is the first one, at the start. */
const quietMs = 2000;

export function ConnectionBanner() {
  const node = useGossipNode();
  const { status, retryAt, reason } = useConnection();
  const shown = useLasting(status !== 'online', quietMs);
  // The region stands empty before: screen readers announce only what changes in it.
  return (
    <div role="status" className="banner-place">
      {shown && (
        <div className="banner">
          <CloudOffIcon />
          <p>
            <strong>
              <span className="visually-hidden">You are </span>Offline.
            </strong>{' '}
            Kept here, sent later.{' '}
            {status === 'offline' && retryAt === undefined && reason !== undefined && <span>{reason}</span>}
            {/* A number that changes every second is for the eye alone. */}
            <span className="retry" aria-hidden="true">
              {status === 'connecting' ? 'Trying now…' : retryAt !== undefined && <Countdown at={retryAt} />}
            </span>
          </p>
          {/* It stays while it is tried: who pressed it keeps the focus. */}
          <button type="button" className="retry-now" onClick={() => node?.reconnect()}>
            Try now
          </button>
        </div>
      )}
    </div>
  );
}

function Countdown({ at }: { readonly at: number }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return <>Next try {countdownLabel(at, now)}</>;
}

/** True once `on` has held for `ms`; false as soon as it does not. */
function useLasting(on: boolean, ms: number): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    if (!on) return;
    const timer = setTimeout(() => setLasting(true), ms);
    return () => {
      clearTimeout(timer);
      setLasting(false);
    };
  }, [on, ms]);
  return on && lasting;
}
