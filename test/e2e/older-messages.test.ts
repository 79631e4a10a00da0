/** A room of three thousand messages: it opens with its newest, and is read back to its first from the browser's disk. */
import type { GossipNode } from '@gossip-log/react';
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChatServer, dataFolder, launchBrowser, Visitor } from './harness.js';

const room = 'long ago';
const count = 3_000;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

/** What the page holds in memory of the room. */
const inMemory = (page: Page): Promise<string[]> =>
  page.evaluate(async (id) => {
    const { gossip } = globalThis as unknown as { gossip: GossipNode };
    const handle = gossip.open<{ text: string }>(id, { window: { last: 0 } });
    await handle.ready;
    const texts = handle.snapshot().map(({ payload }) => payload.text);
    handle.release();
    return texts;
  }, room);

/** Loads the page and waits until the end of the room is in sight. */
async function load(page: Page, newest: string): Promise<void> {
  await page.reload();
  const last = page.getByRole('region', { name: 'Conversation' }).locator('li[data-event-id]').last();
  await last.getByText(newest).waitFor();
  await expect.poll(() => last.evaluate((item) => item.getBoundingClientRect().top < innerHeight)).toBe(true);
}

/**
 * Scrolls to the top of what is there, and waits for what that brings. Gives how far the message that was in sight has
 * moved on the screen, in pixels; `undefined` once nothing is above.
 */
const scrollUp = (page: Page): Promise<number | undefined> =>
  page.evaluate(async () => {
    const box = document.querySelector('.scroller') as HTMLElement;
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const atTop = () => box.scrollTop === 0 && document.querySelector('.older') === null;
    if (atTop()) return undefined;
    // What a reader scrolls is in place when the page is told of it.
    const told = new Promise((resolve) => addEventListener('scroll', resolve, { capture: true, once: true }));
    box.scrollTop = 0;
    await told;
    const inSight = [...box.querySelectorAll('.bubble')].find(
      (bubble) => bubble.getBoundingClientRect().bottom > box.getBoundingClientRect().top,
    ) as Element;
    const { top } = inSight.getBoundingClientRect();
    while (box.scrollTop === 0 && !atTop()) await frame();
    // Once more, for what is measured after a layout.
    await frame();
    return inSight.getBoundingClientRect().top - top;
  });

test(`a room of ${count} messages opens with its newest; scrolling up reads the rest, and nothing jumps`, async () => {
  const { url } = await ChatServer.start(await dataFolder());
  const ada = await Visitor.enter(browser, url, room, 'Ada');
  const texts = Array.from({ length: count }, (_, i) => `message ${i}.${' And more of it.'.repeat((i * 7) % 12)}`);
  await ada.write(texts);
  await ada.allRelayed();
  const { page } = ada;

  await load(page, `message ${count - 1}.`);
  const opened = await inMemory(page);
  expect(opened.length).toBeLessThan(count / 2);
  expect(opened).toEqual(texts.slice(-opened.length));

  let readings = 0;
  for (let moves = 0, held = opened.length; ; moves++) {
    const moved = await scrollUp(page);
    if (moved === undefined) break;
    expect(Math.abs(moved), `after ${moves} moves`).toBeLessThan(1.5);
    const now = (await inMemory(page)).length;
    if (now > held) readings++;
    held = now;
    expect(moves).toBeLessThan(100);
  }
  expect(readings).toBeGreaterThan(1);
  expect(await inMemory(page)).toEqual(texts);
  expect(await ada.messages.first().textContent()).toContain('message 0.');

  await page.getByRole('button', { name: 'Jump to newest' }).click();
  await ada.say('Good to read that again.');
  await ada.messages.last().getByRole('img', { name: 'Sent: safe at the relay' }).waitFor();
  await load(page, 'Good to read that again.');
  expect((await inMemory(page)).length).toBeLessThan(count / 2);
});
