/** IndexedDB that a real browser forbids, or that another tab holds: what an app sees, through all layers. */
import type { Browser, BrowserContext, Frame, Page } from 'playwright';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Gossip } from '../../packages/react/test/whole-page.js';
import { launchBrowser, servePage } from './harness.js';

interface PageGlobals {
  readonly gossip: Gossip;
  /** Resolves once the database is open that was blocked. */
  opened: Promise<void> | undefined;
}

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

async function profile(): Promise<BrowserContext> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  return context;
}

async function open(context: BrowserContext, address: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(address);
  return loaded(page);
}

async function loaded<P extends Page | Frame>(page: P): Promise<P> {
  await page.waitForFunction('globalThis.gossip !== undefined');
  return page;
}

/** A frame without an origin of its own, so without storage. */
async function sandboxedFrame(page: Page): Promise<Frame> {
  const attached = page.waitForEvent('frameattached');
  await page.evaluate(() => {
    const frame = document.createElement('iframe');
    frame.setAttribute('sandbox', 'allow-scripts');
    frame.src = location.href;
    document.body.append(frame);
  });
  return loaded(await attached);
}

/** Opens a log of the database `room`; resolves with how it stands once it is not opening any more. */
function openLog(page: Page | Frame, inMemory = false) {
  return page.evaluate(async (inMemory) => {
    const globals = globalThis as unknown as PageGlobals;
    const { createGossipNode, createLogStore, indexedDbStorage, memoryStorage } = globals.gossip;
    const storage = indexedDbStorage({
      name: 'room',
      onBlocked: (opened) => {
        globals.opened = opened;
      },
      ...(inMemory && { fallback: () => memoryStorage() }),
    });
    const log = createLogStore<string>(createGossipNode({ storage }), 'room');
    await new Promise<void>((resolve) => {
      const look = () => log.getState().status !== 'opening' && resolve();
      log.subscribe(look);
      look();
    });
    const { status, error, append } = log.getState();
    if (status === 'ready') append('written');
    const { events } = log.getState();
    return { status, code: error?.code, reason: error?.context['reason'], events: events.length };
  }, inMemory);
}

const failed = (reason: string) => ({ status: 'failed', code: 'storage-failed', reason, events: 0 });

test('a sandboxed frame fails its logs with the reason, and goes on in memory where the app says so', async () => {
  const page = await open(await profile(), await servePage('react/test/whole-page.ts'));
  const frame = await sandboxedFrame(page);
  expect(await openLog(frame)).toEqual(failed('unavailable'));
  expect(await openLog(frame, true)).toMatchObject({ status: 'ready', events: 1 });
});

test('an older tab that blocks is told of; when it is closed, what it has stored is refused', async () => {
  const [context, address] = await Promise.all([profile(), servePage('react/test/whole-page.ts')]);
  const older = await open(context, address);
  await older.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const asked = indexedDB.open('room', 1);
        asked.onupgradeneeded = () => {
          for (const store of ['journal', 'aside', 'heads', 'metadata', 'writers']) {
            asked.result.createObjectStore(store);
          }
        };
        asked.onsuccess = () => resolve(Object.assign(globalThis, { held: asked.result }) && undefined);
      }),
  );
  const page = await open(context, address);
  expect(await openLog(page)).toEqual(failed('blocked'));
  await older.close();
  await expect.poll(() => openLog(page)).toMatchObject({ status: 'failed', code: 'storage-format' });
});
