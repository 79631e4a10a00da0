/** Browsers in one room of the built chat: together, apart, late, again, twice. */
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { tcpProxy } from '../../packages/transport/test/tcp-proxy.js';
import { ChatServer, dataFolder, launchBrowser, Visitor } from './harness.js';

const room = 'tea room';
const notSent = 'Saved on this device, not sent yet';
const sent = 'Sent: safe at the relay';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

/** What a page shows, in order: ids of the messages in the document. */
const shown = (visitor: Visitor) =>
  visitor.messages.evaluateAll((items) => items.map((item) => item.getAttribute('data-event-id')));

test('[L1] two browsers write by hand and show one order; one that joins late sees all of it', async () => {
  const { url } = await ChatServer.start(await dataFolder());
  const [ada, bob] = await Promise.all([
    Visitor.enter(browser, url, room, 'Ada'),
    Visitor.enter(browser, url, room, 'Bob'),
  ]);
  for (let i = 0; i < 5; i++) {
    await Promise.all([ada.say(`from Ada ${i}`), bob.say(`from Bob ${i} 🫖`)]);
  }
  const [adaHas, bobHas] = await Promise.all([ada.has(10), bob.has(10)]);
  expect(bobHas).toEqual(adaHas);
  await ada.messages.nth(9).waitFor();
  await bob.messages.nth(9).waitFor();
  expect(await shown(ada)).toEqual(adaHas.map(({ id }) => id));
  expect(await shown(bob)).toEqual(await shown(ada));
  await expect.poll(() => ada.marks(sent).count()).toBe(5);

  const late = await Visitor.enter(browser, url, room, 'Late');
  expect(await late.has(10)).toEqual(adaHas);
  await late.messages.nth(9).waitFor();
  expect(await shown(late)).toEqual(await shown(ada));
});

test('[L1] [L4] one is cut off, both write, it returns: both show one order, and delivery says how far it came', async () => {
  const { url, port } = await ChatServer.start(await dataFolder());
  const proxy = await tcpProxy(port);
  onTestFinished(() => proxy.close());
  const ada = await Visitor.enter(browser, url, room, 'Ada');
  const bob = await Visitor.enter(browser, `http://localhost:${proxy.port}`, room, 'Bob');
  await ada.say('before');
  await bob.has(1);

  proxy.sever();
  await bob.offlineBanner.waitFor();
  for (let i = 0; i < 3; i++) await Promise.all([ada.say(`Ada meanwhile ${i}`), bob.say(`Bob alone ${i}`)]);
  await expect.poll(() => bob.marks(notSent).count()).toBe(3);
  await expect.poll(() => ada.marks(sent).count()).toBe(4);
  expect((await bob.has(4)).length).toBe(4);
  expect((await ada.has(4)).length).toBe(4);

  proxy.mend();
  await bob.online();
  const [adaHas, bobHas] = await Promise.all([ada.has(7), bob.has(7)]);
  expect(bobHas).toEqual(adaHas);
  await expect.poll(() => shown(ada)).toEqual(adaHas.map(({ id }) => id));
  await expect.poll(() => shown(bob)).toEqual(adaHas.map(({ id }) => id));
  await expect.poll(() => bob.marks(sent).count()).toBe(3);
  await bob.offlineBanner.waitFor({ state: 'detached' });
});

test('[L4] a reload shows everything at once, also while the socket to the relay is refused', async () => {
  const { url } = await ChatServer.start(await dataFolder());
  const ada = await Visitor.enter(browser, url, room, 'Ada');
  for (let i = 0; i < 5; i++) await ada.say(`kept ${i}`);
  await ada.allRelayed();
  const before = await shown(ada);
  expect(before).toHaveLength(5);

  await ada.reload(room);
  await ada.messages.nth(4).waitFor();
  expect(await shown(ada)).toEqual(before);

  let refused = 0;
  await ada.context.routeWebSocket(/\/sync$/, (socket) => {
    refused++;
    return socket.close({ code: 1013, reason: 'refused by the test' });
  });
  await ada.reload(room);
  await ada.messages.nth(4).waitFor();
  expect(await shown(ada)).toEqual(before);
  await ada.say('written without a relay');
  await ada.allStored();
  await ada.reload(room);
  await ada.messages.nth(5).waitFor();
  expect((await shown(ada)).slice(0, 5)).toEqual(before);
  expect(refused).toBeGreaterThan(0);
});

test('[L1] two tabs of one browser write under different ids and show one order', async () => {
  const { url } = await ChatServer.start(await dataFolder());
  const one = await Visitor.enter(browser, url, room, 'Ada');
  const two = await one.anotherTab(url, room);
  for (let i = 0; i < 3; i++) {
    await one.say(`first tab ${i}`);
    await two.say(`second tab ${i}`);
  }
  const [inOne, inTwo] = await Promise.all([one.has(6), two.has(6)]);
  expect(inTwo).toEqual(inOne);
  expect(new Set(inOne.map(({ id }) => id.split('.')[0])).size).toBe(2);
  await expect.poll(() => shown(one)).toEqual(inOne.map(({ id }) => id));
  await expect.poll(() => shown(two)).toEqual(inOne.map(({ id }) => id));
  // What both have stored in the one store of the browser is there after both were loaded again.
  await Promise.all([one.reload(room), two.reload(room)]);
  expect(await one.has(6)).toEqual(inOne);
  expect(await two.has(6)).toEqual(inOne);
});
