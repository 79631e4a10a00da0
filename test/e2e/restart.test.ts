/** The server dies under load, and comes back. */
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChatServer, dataFolder, launchBrowser, Visitor } from './harness.js';

const room = 'storm';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

test('[L4] killed with -9 under load and started again: nothing that a browser showed as relayed is missing', async () => {
  const data = await dataFolder();
  let server = await ChatServer.start(data);
  const { url, port } = server;
  const visitors = await Promise.all([
    Visitor.enter(browser, url, room, 'Ada'),
    Visitor.enter(browser, url, room, 'Bob'),
  ]);
  await Promise.all(visitors.map((each) => each.writeWithoutEnd()));
  for (const count of [50, 200, 500]) {
    await Promise.all(visitors.map((each) => each.relayed(count)));
    await server.kill();
    server = await ChatServer.start(data, port);
    await Promise.all(visitors.map((each) => each.online()));
  }
  await Promise.all(visitors.map((each) => each.relayed(550)));
  await Promise.all(visitors.map((each) => each.stopWriting()));
  await Promise.all(visitors.map((each) => each.allRelayed()));
  const relayed = (await Promise.all(visitors.map((each) => each.relayed(0)))).flat();
  const orders = await Promise.all(visitors.map((each) => each.has(relayed.length)));
  expect(orders[1]).toEqual(orders[0]);

  // Nobody is left who could send again what the relay might have lost.
  await Promise.all(visitors.map((each) => each.context.close()));
  await server.kill();
  server = await ChatServer.start(data, port);
  const fresh = await Visitor.enter(browser, server.url, room, 'Fresh');
  const held = await fresh.has(relayed.length);
  expect(held).toEqual(orders[0]);
  const texts = new Map(held.map(({ id, text }) => [id, text]));
  expect(relayed.filter(({ id, text }) => texts.get(id) !== text)).toEqual([]);
});
