/** Pages that are left right after `append`, beside a raw IndexedDB put in the same task: what a reload finds. */
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Gossip } from '../../packages/react/test/whole-page.js';
import { launchBrowser, servePage } from './harness.js';

interface PageGlobals {
  readonly gossip: Gossip;
  log: ReturnType<ReturnType<Gossip['createGossipNode']>['open']>;
  raw: IDBDatabase;
}

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

/** Opens a log and a database of one's own in the page. */
async function open(page: Page): Promise<Page> {
  await page.waitForFunction('globalThis.gossip !== undefined');
  await page.evaluate(async () => {
    const globals = globalThis as unknown as PageGlobals;
    const { createGossipNode, indexedDbStorage } = globals.gossip;
    globals.log = createGossipNode({ storage: indexedDbStorage({ name: 'log' }) }).open('room');
    await globals.log.ready;
    globals.raw = await new Promise((resolve, reject) => {
      const asked = indexedDB.open('raw', 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore('rows', { autoIncrement: true });
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  });
  return page;
}

/** Appends, puts a row of its own, and closes the tab, all in one task. The browser may be gone before it can answer. */
async function writeAndLeave(page: Page, isRawFirst: boolean): Promise<void> {
  const closed = page.waitForEvent('close');
  await page.evaluate((isRawFirst) => {
    const { log, raw } = globalThis as unknown as PageGlobals;
    const put = () => {
      const rows = raw.transaction('rows', 'readwrite', { durability: 'strict' }).objectStore('rows');
      rows.add(new Uint8Array(200));
    };
    setTimeout(() => {
      if (isRawFirst) put();
      log.append('the last words');
      if (!isRawFirst) put();
      close();
    });
  }, isRawFirst);
  await closed;
}

test('of events appended in the task in which a tab closes, as many survive as of raw puts', async () => {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const address = await servePage('react/test/whole-page.ts');
  const opener = await context.newPage();
  await opener.goto(address);
  const tab = async () => {
    const opened = opener.waitForEvent('popup');
    // A tab that a script has opened may close itself.
    await opener.evaluate((address) => void window.open(address), address);
    return open(await opened);
  };
  const count = 20;
  for (let i = 0; i < count; i++) await writeAndLeave(await tab(), i % 2 === 0);
  const kept = await (await tab()).evaluate(async () => {
    const { log, raw } = globalThis as unknown as PageGlobals;
    const rows = await new Promise<number>((resolve) => {
      const asked = raw.transaction('rows').objectStore('rows').count();
      asked.onsuccess = () => resolve(asked.result);
    });
    return { events: log.snapshot().length, rows };
  });
  expect(kept.rows).toBeGreaterThan(count / 2);
  expect(kept.events).toBeGreaterThanOrEqual(0.9 * kept.rows);
});
