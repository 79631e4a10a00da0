/** The main job on real input: two thousand messages between two browsers, through the relay. */
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateMessages } from '../../packages/core/test/message-generator.js';
import { ChatServer, dataFolder, launchBrowser, Visitor } from './harness.js';

const room = 'long talk';
const count = 2_000;
/** So many of each are typed by hand. */
const byHand = 10;
/** `SEED=1 npm test -- --only e2e` replays; the title says which seed a run had. */
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

/** The composer takes away spaces around a message, and sends no empty one. */
const canBeTyped = (text: string) => text.trim() === text && text !== '';

test(`[L1] ${count} messages between two browsers: same order, same texts, byte for byte, also for a third (SEED=${seed})`, async () => {
  const { url } = await ChatServer.start(await dataFolder());
  const texts = generateMessages(count, seed).map(({ text }) => text);
  const [ada, bob] = await Promise.all([
    Visitor.enter(browser, url, room, 'Ada'),
    Visitor.enter(browser, url, room, 'Bob'),
  ]);
  const halves = [texts.slice(0, count / 2), texts.slice(count / 2)] as const;

  const send = async (visitor: Visitor, half: readonly string[]) => {
    const typed = half.filter(canBeTyped).slice(0, byHand);
    for (const text of typed) await visitor.say(text);
    const rest = [...half];
    for (const text of typed) rest.splice(rest.indexOf(text), 1);
    return visitor.write(rest);
  };
  const written = (await Promise.all([send(ada, halves[0]), send(bob, halves[1])])).flat();

  const [adaHas, bobHas] = await Promise.all([ada.has(count), bob.has(count)]);
  expect(adaHas).toHaveLength(count);
  expect(bobHas).toEqual(adaHas);
  expect(adaHas.map(({ text }) => text).sort()).toEqual([...texts].sort());
  const byId = new Map(adaHas.map(({ id, text }) => [id, text]));
  expect(written.filter(({ id, text }) => byId.get(id) !== text)).toEqual([]);

  await Promise.all([ada.allRelayed(), bob.allRelayed()]);
  const third = await Visitor.enter(browser, url, room, 'Third');
  expect(await third.has(count)).toEqual(adaHas);

  // What is on the pages is the end of it: the newest messages, in the same order.
  for (const visitor of [ada, bob, third]) {
    await visitor.messages.and(visitor.page.locator(`[data-event-id="${adaHas.at(-1)?.id}"]`)).waitFor();
    const ids = await visitor.messages.evaluateAll((items) => items.map((item) => item.getAttribute('data-event-id')));
    expect(ids.length).toBeGreaterThan(50);
    expect(ids).toEqual(adaHas.slice(-ids.length).map(({ id }) => id));
  }
});
