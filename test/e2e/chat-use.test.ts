/** What people run into in a day with the chat: a wrong clock, two tabs, two rooms, events of other apps. */
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChatServer, dataFolder, launchBrowser, Visitor } from './harness.js';

const dayMs = 86_400_000;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

test('a clock that is days off: the page says so and what to do, until it is set', async () => {
  const { url } = await ChatServer.start(await dataFolder());
  const ada = await Visitor.enter(browser, url, 'clock', 'Ada');
  const alert = (words: string) => ada.page.getByRole('alert').getByText(words);
  expect(await alert('The clock').count()).toBe(0);
  const setClock = async (days: number) => {
    await ada.context.clock.setSystemTime(Date.now() + days * dayMs);
    await ada.reload('clock');
  };
  await setClock(-3);
  await alert('The clock of this device is 3 days behind.').waitFor();
  await setClock(3);
  await alert('The clock of this device is 3 days ahead.').waitFor();
  await alert('Set its date and time, then load the page again.').waitFor();
  await ada.composer.fill('too early');
  await ada.composer.press('Enter');
  await alert('Not sent: the clock of this device is ahead.').waitFor();
  expect(await ada.has(0)).toEqual([]);
  await setClock(0);
  await ada.page.getByText('Connected.').waitFor();
  expect(await alert('The clock').count()).toBe(0);

  // Without a connection nothing is known of the clock, and what is written then waits for its day.
  await ada.context.routeWebSocket(/\/sync$/, (socket) => socket.close({ code: 1013, reason: 'refused by the test' }));
  await setClock(3);
  await ada.say('from the future');
  await ada.allStored();
  expect(await alert('You wrote here').count()).toBe(0);
  await setClock(0);
  await alert('You wrote here while the clock of this device was ahead.').waitFor();
});

test('two tabs share a draft: what one sends is gone from the other', async () => {
  const { url } = await ChatServer.start(await dataFolder());
  const one = await Visitor.enter(browser, url, 'draft', 'Ada');
  const two = await one.anotherTab(url, 'draft');
  await one.composer.fill('said once');
  await expect.poll(() => two.composer.inputValue(), { timeout: 20_000 }).toBe('said once');
  await one.composer.press('Enter');
  await expect.poll(() => two.composer.inputValue(), { timeout: 20_000 }).toBe('');
  await two.messages.getByText('said once').waitFor();
  await two.composer.press('Enter');
  expect(await two.has(1)).toHaveLength(1);
});

test('those who look into another room find their place again; events that are no messages show nowhere', async () => {
  const { url } = await ChatServer.start(await dataFolder());
  const ada = await Visitor.enter(browser, url, 'one', 'Ada');
  const { page } = ada;
  await ada.write(Array.from({ length: 300 }, (_, i) => `message ${i}.`));
  await page.evaluate(() => {
    const { log } = globalThis as unknown as { log: { append(payload: unknown): unknown } };
    for (const payload of [{ oops: true }, { kind: 'poll', text: 'newer' }, null, 7]) log.append(payload);
  });
  await ada.messages.getByText('message 299.').waitFor();
  expect(await ada.messages.last().textContent()).toContain('message 299.');
  const scroller = page.getByRole('region', { name: 'Conversation' });
  await scroller.evaluate((box) => box.scrollBy(0, -3000));
  await page.getByRole('button', { name: 'Jump to newest' }).waitFor();
  const topOf = (text: string) =>
    ada.messages.getByText(text, { exact: true }).evaluate((found) => found.getBoundingClientRect().top);
  const read = await ada.messages.locator('.text').evaluateAll((texts) => {
    const box = document.querySelector('.scroller')?.getBoundingClientRect().top ?? 0;
    return texts.find((text) => text.getBoundingClientRect().top > box)?.textContent ?? '';
  });
  const before = await topOf(read);

  const goTo = async (room: string) => {
    await page.evaluate((hash) => {
      location.hash = hash;
    }, `#/room/${room}`);
    await page.getByRole('heading', { name: room }).waitFor();
  };
  await goTo('two');
  await page.getByText('Nobody has said a word yet').waitFor();
  await goTo('one');
  await ada.messages.getByText(read, { exact: true }).waitFor();
  expect(Math.abs((await topOf(read)) - before)).toBeLessThan(1.5);
});
