import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, onTestFinished, test, vi } from 'vitest';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

/** A page that is loaded in a browser which keeps its files already, or does not yet. */
async function loadPage(isKept: boolean) {
  const updates: string[] = [];
  const workers = Object.assign(new EventTarget(), {
    controller: isKept ? {} : null,
    register: async (url: string) => ({ update: async () => updates.push(url) }),
  });
  Object.defineProperty(navigator, 'serviceWorker', { configurable: true, value: workers });
  vi.resetModules();
  const { startServiceWorker } = await import('./page-version.js');
  const { Notices } = await import('./components/notices.js');
  startServiceWorker();
  dispatchEvent(new Event('load'));
  const host = document.createElement('div');
  const root = createRoot(host);
  onTestFinished(() => {
    act(() => root.unmount());
    Reflect.deleteProperty(navigator, 'serviceWorker');
  });
  await act(async () => root.render(<Notices />));
  return {
    updates,
    isToldOfNews: () => host.textContent?.includes('A newer version'),
    /** Another service worker serves the page from now on. */
    takeOver: () =>
      act(async () => {
        workers.dispatchEvent(new Event('controllerchange'));
      }),
  };
}

test('a page is told once newer files of it are kept', async () => {
  const page = await loadPage(true);
  expect(page.isToldOfNews()).toBe(false);
  await page.takeOver();
  expect(page.isToldOfNews()).toBe(true);
});

test('the first files that are kept are those of the page: no news', async () => {
  const page = await loadPage(false);
  await page.takeOver();
  expect(page.isToldOfNews()).toBe(false);
});

test('newer files are looked for when somebody comes back to the page', async () => {
  const page = await loadPage(true);
  document.dispatchEvent(new Event('visibilitychange'));
  expect(page.updates).toEqual(['/service-worker.js']);
});
