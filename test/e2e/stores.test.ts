/** zustand stores made with the `gossip` middleware, in two browsers and with the relay as built. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { TodosPage } from '../../packages/react/test/todos-page.js';
import { CommandProcess } from '../../packages/relay/test/relay-process.js';
import { tcpProxy } from '../../packages/transport/test/tcp-proxy.js';
import { dataFolder, launchBrowser, servePage } from './harness.js';

const packages = join(import.meta.dirname, '../../packages');

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

async function startRelay(): Promise<number> {
  const data = await dataFolder();
  const options = ['--host', '127.0.0.1', '--port', '0', '--data', data];
  const relay = new CommandProcess(join(packages, 'relay/dist/command.js'), ['relay', ...options]);
  onTestFinished(() => relay.signal('SIGKILL'));
  const { url } = await relay.ready();
  return Number(new URL(url).port);
}

/** A browser profile of its own. It closes with the test. */
async function openStore(address: string): Promise<Page> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.goto(address);
  await settled(page);
  return page;
}

/** Loads the store anew, from what this browser has kept. */
async function reload(page: Page): Promise<void> {
  await page.reload();
  await settled(page);
}

const settled = (page: Page) => page.waitForFunction('globalThis.store !== undefined');

type Call = readonly [action: 'rename' | 'add' | 'remove', text: string];

/** Calls actions; resolves with the state right after, once all is stored in this browser. */
function act(page: Page, ...calls: readonly Call[]) {
  return page.evaluate(async (calls) => {
    const { log, store } = globalThis as unknown as TodosPage;
    for (const [action, text] of calls) store.getState()[action](text);
    const { title, texts } = store.getState();
    for (const event of log.snapshot()) await log.delivered(event);
    return { title, texts };
  }, calls);
}

const stateOf = (page: Page) =>
  page.evaluate(() => {
    const { title, texts } = (globalThis as unknown as TodosPage).store.getState();
    return { title, texts };
  });

/** Resolves once the page's log holds so many calls, with all of them, in order. */
const has = (page: Page, count: number) =>
  page.evaluate(async (count) => {
    const { log } = globalThis as unknown as TodosPage;
    await new Promise<void>((resolve) => {
      const look = () => {
        if (log.snapshot().length >= count) resolve();
      };
      log.subscribe(look);
      look();
    });
    return log.snapshot().map(({ payload }) => [payload.action, ...payload.args] as unknown as Call);
  }, count);

/** What calls in this order make. */
function replay(calls: readonly Call[]) {
  let title = '';
  let texts: string[] = [];
  for (const [action, text] of calls) {
    if (action === 'rename') title = text;
    else texts = action === 'add' ? [...texts, text] : texts.filter((other) => other !== text);
  }
  return { title, texts };
}

const isOffline = (page: Page) =>
  page.waitForFunction(() => (globalThis as unknown as TodosPage).node.connection().status === 'offline');

test('[Z2] [L1] [L4] two browsers edit their stores offline, one is loaded anew: both come to one state', async () => {
  const [port, address] = await Promise.all([startRelay(), servePage('react/test/todos-page.ts')]);
  const proxy = await tcpProxy(port);
  onTestFinished(() => proxy.close());
  const store = `${address}/?relay=${encodeURIComponent(`ws://127.0.0.1:${proxy.port}/sync`)}`;
  const pages = await Promise.all([openStore(store), openStore(store)]);
  const [ada, bob] = pages;
  const both = <V>(read: (page: Page) => Promise<V>) => Promise.all(pages.map(read));

  const together = await act(ada, ['rename', 'Tea'], ['add', 'cups'], ['add', 'pot']);
  expect(together).toEqual({ title: 'Tea', texts: ['cups', 'pot'] });
  await has(bob, 3);
  await expect.poll(() => stateOf(bob)).toEqual(together);

  proxy.sever();
  await both(isOffline);
  await act(ada, ['rename', 'Tea at four'], ['remove', 'cups'], ['add', 'milk']);
  const alone = await act(bob, ['rename', 'Tea at five'], ['add', 'sugar'], ['add', 'lemon']);
  expect(alone).toEqual({ title: 'Tea at five', texts: ['cups', 'pot', 'sugar', 'lemon'] });
  await reload(bob);
  expect(await stateOf(bob)).toEqual(alone);
  // Of Bob's sugar she does not know yet.
  expect(await act(ada, ['remove', 'sugar'])).toEqual({ title: 'Tea at four', texts: ['pot', 'milk'] });
  await act(bob, ['add', 'biscuits']);

  proxy.mend();
  await both((page) => page.evaluate(() => dispatchEvent(new Event('online'))));
  const [calls = [], others] = await both((page) => has(page, 11));
  expect(others).toEqual(calls);
  const merged = replay(calls);
  expect(merged.texts).toEqual(expect.arrayContaining(['pot', 'milk', 'lemon', 'biscuits']));
  expect(merged.texts).not.toContain('cups');
  await expect.poll(() => both(stateOf)).toEqual([merged, merged]);
});
