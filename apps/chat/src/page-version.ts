/**
 * The page's own files. A service worker keeps them in the browser (`offline/service-worker.js`), so the page starts
 * without a network. When it has fetched newer files, the open page goes on with the old ones until it is loaded again.
 */
import { useSyncExternalStore } from 'react';

// Pages that are not secure (a chat at home, by address) have no service workers.
const workers: ServiceWorkerContainer | undefined = navigator.serviceWorker;
/** Was the page itself already served by a service worker? Then another one brings newer files. */
const wasKept = workers?.controller != null;
let isOutdated = false;

/** Registers the service worker of a built page, and looks for newer files whenever somebody comes back to the page. */
export function startServiceWorker(): void {
  if (workers === undefined) return;
  workers.addEventListener('controllerchange', () => {
    isOutdated = wasKept;
  });
  // After the page, so that the two do not share a slow line.
  addEventListener('load', async () => {
    try {
      const registration = await workers.register('/service-worker.js');
      document.addEventListener('visibilitychange', () => {
        // Without a network there is nothing newer.
        if (document.visibilityState === 'visible') registration.update().catch(() => undefined);
      });
    } catch {
      // Refused by the browser's settings: the page works, but not without a network.
    }
  });
}

/** Would loading the page again bring a newer version of it? */
export function useOutdatedPage(): boolean {
  return useSyncExternalStore(
    (listener) => {
      workers?.addEventListener('controllerchange', listener);
      return () => workers?.removeEventListener('controllerchange', listener);
    },
    () => isOutdated,
  );
}
