/** Two people at one browser: each has a store, and signing out may delete it while tabs have it open. */
import type { Browser, BrowserContext, Page } from 'playwright';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Gossip } from '../../packages/react/test/whole-page.js';
import { launchBrowser, servePage } from './harness.js';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

interface PageGlobals {
  readonly gossip: Gossip;
  log: ReturnType<ReturnType<Gossip['createGossipNode']>['open']>;
}

/** A tab in which that person is signed in; resolves with it and what their private room shows. */
async function signIn(context: BrowserContext, address: string, user: string): Promise<[Page, unknown[]]> {
  const page = await context.newPage();
  await page.goto(address);
  await page.waitForFunction('globalThis.gossip !== undefined');
  const shown = await page.evaluate(async (user) => {
    const globals = globalThis as unknown as PageGlobals;
    const { createGossipNode, indexedDbStorage } = globals.gossip;
    const node = createGossipNode({ storage: indexedDbStorage({ name: `my-app/${user}` }) });
    globals.log = node.open('private');
    await globals.log.ready;
    return globals.log.snapshot().map(({ payload }) => payload);
  }, user);
  return [page, shown];
}

test("another person at the browser sees nothing of Ann's, and signing out deletes it though her tabs have it open", async () => {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const address = await servePage('react/test/whole-page.ts');
  const [ann] = await signIn(context, address, 'ann');
  await ann.evaluate(async () => {
    const { log } = globalThis as unknown as PageGlobals;
    await log.delivered(log.append('secret'));
  });
  const [, bobs] = await signIn(context, address, 'bob');
  expect(bobs).toEqual([]);
  const [other, anns] = await signIn(context, address, 'ann');
  expect(anns).toEqual(['secret']);

  await other.evaluate(() => (globalThis as unknown as PageGlobals).gossip.deleteIndexedDbStorage('my-app/ann'));
  // Her first tab is still open, and writes: that does not bring the database back.
  const code = await ann.evaluate(async () => {
    const { log } = globalThis as unknown as PageGlobals;
    log.append('late');
    await new Promise<void>((resolve) => log.subscribe(() => log.error !== undefined && resolve()));
    return log.error?.code;
  });
  expect(code).toBe('storage-failed');
  const names = await other.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
  expect(names).toEqual(['my-app/bob']);
  await ann.close();
  const [, again] = await signIn(context, address, 'ann');
  expect(again).toEqual([]);
});
