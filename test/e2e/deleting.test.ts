/** Two browsers and a relay: what one deletes is gone for both, from the relay's disk too, and nothing moves. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChatServer, dataFolder, launchBrowser, Visitor } from './harness.js';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

const secret = 'the-spare-key-lies-under-the-mat';

/** Do any bytes in a folder hold that text? */
async function holds(folder: string, text: string): Promise<boolean> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = await Promise.all(
    files
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await readFile(join(entry.parentPath, entry.name))).includes(text)),
  );
  return found.includes(true);
}

async function remove(visitor: Visitor, text: string): Promise<void> {
  const row = visitor.messages.filter({ hasText: text });
  await row.hover();
  await row.getByRole('button', { name: 'Delete message' }).click();
  await visitor.page.getByRole('button', { name: 'Delete', exact: true }).click();
  await row.waitFor({ state: 'detached' });
}

/** What the rows say, without their times, and their ids. */
const rows = async ({ messages }: Visitor) =>
  messages.evaluateAll((items) =>
    items.map((item) => [item.getAttribute('data-event-id'), item.querySelector('.text')?.textContent]),
  );

/** Everything that the page itself keeps as text. */
const kept = ({ page }: Visitor) =>
  page.evaluate(() => document.documentElement.outerHTML + document.title + JSON.stringify({ ...localStorage }));

test('one deletes, the other sees where it was; also after a reload, for a newcomer, and in no file of the relay', async () => {
  const dataDir = await dataFolder();
  const { url } = await ChatServer.start(dataDir);
  const ada = await Visitor.enter(browser, url, 'delete', 'Ada');
  const bob = await Visitor.enter(browser, url, 'delete', 'Bob');
  await ada.say('before');
  await ada.say(secret);
  await bob.messages.getByText(secret).waitFor();
  await bob.say('after');
  await ada.messages.getByText('after').waitFor();
  const ids = (await rows(ada)).map(([id]) => id);
  expect(await holds(dataDir, secret)).toBe(true);
  expect(await bob.messages.getByRole('button', { name: 'Delete message' }).count()).toBe(1);

  await remove(ada, secret);
  await bob.messages.getByText('Message deleted').waitFor();
  const expected = ids.map((id, i) => [id, ['before', 'Message deleted', 'after'][i]]);
  for (const visitor of [ada, bob]) {
    expect(await rows(visitor)).toEqual(expected);
    expect(await kept(visitor)).not.toContain(secret);
  }
  // It is still Ada's, in her group.
  expect(await bob.messages.nth(1).textContent()).toMatch(/Ada, .*: Message deleted/);
  await expect.poll(() => holds(dataDir, secret), { timeout: 60_000, interval: 500 }).toBe(false);

  for (const visitor of [ada, bob]) {
    await visitor.reload('delete');
    await visitor.messages.getByText('after').waitFor();
    expect(await rows(visitor)).toEqual(expected);
  }
  const cyn = await Visitor.enter(browser, url, 'delete', 'Cyn');
  await cyn.messages.getByText('after').waitFor();
  expect(await rows(cyn)).toEqual(expected);
  expect(await cyn.messages.nth(1).textContent()).toContain('Ada, ');
});

test('deleted without a connection: it waits, says so, and goes to the other when both are back', async () => {
  const dataDir = await dataFolder();
  const server = await ChatServer.start(dataDir);
  const ada = await Visitor.enter(browser, server.url, 'offline', 'Ada');
  const bob = await Visitor.enter(browser, server.url, 'offline', 'Bob');
  await ada.say('before');
  await ada.say(secret);
  await bob.messages.getByText(secret).waitFor();
  await ada.allRelayed();
  await server.kill();
  await Promise.all([ada, bob].map(({ offlineBanner }) => offlineBanner.waitFor()));

  await remove(ada, secret);
  await ada.messages.getByRole('img', { name: 'Others still see it: not sent yet' }).waitFor();
  await bob.say('meanwhile');
  await ada.allStored();
  await ada.reload('offline');
  await ada.messages.getByText('Message deleted').waitFor();
  expect(await bob.messages.getByText(secret).count()).toBe(1);

  await ChatServer.start(dataDir, server.port);
  await Promise.all([ada.online(), bob.online()]);
  await bob.messages.getByText('Message deleted').waitFor();
  await ada.messages.getByText('meanwhile').waitFor();
  expect(await rows(ada)).toEqual(await rows(bob));
  expect((await rows(ada)).map(([, text]) => text)).toEqual(['before', 'Message deleted', 'meanwhile']);
  await ada.messages.getByRole('img', { name: 'Others still see it: not sent yet' }).waitFor({ state: 'detached' });
});
