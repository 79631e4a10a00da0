/** The page itself without a network: it starts from the browser, and what goes over the wire before is small. */
import { type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChatServer, dataFolder, launchBrowser, Visitor } from './harness.js';

const room = 'tea room';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

test('without its server the page loads again, and starts in a new tab, with every message and what is written then', async () => {
  const data = await dataFolder();
  const server = await ChatServer.start(data);
  const ada = await Visitor.enter(browser, server.url, room, 'Ada');
  for (let i = 0; i < 3; i++) await ada.say(`kept ${i}`);
  await ada.allRelayed();
  await ada.page.evaluate(() => navigator.serviceWorker.ready);
  await server.kill();

  await ada.reload(room);
  await ada.messages.getByText('kept 2').waitFor();
  expect(await ada.messages.count()).toBe(3);
  await ada.say('written without a server');
  await ada.allStored();
  const tab = await ada.anotherTab(server.url, room);
  await tab.messages.getByText('written without a server').waitFor();
  expect(await tab.messages.count()).toBe(4);
  await tab.offlineBanner.waitFor();

  await ChatServer.start(data, server.port);
  await ada.online();
  await expect.poll(() => ada.marks('Sent: safe at the relay').count(), { timeout: 20_000 }).toBe(4);
});

test('the page can be installed: its manifest names icons that are there', async () => {
  const { url } = await ChatServer.start(await dataFolder());
  const { page } = await Visitor.enter(browser, url, room, 'Ada');
  const session = await page.context().newCDPSession(page);
  const { errors, data } = await session.send('Page.getAppManifest');
  expect(errors).toEqual([]);
  const { icons } = JSON.parse(data ?? '') as { icons: { src: string; type: string }[] };
  for (const { src, type } of icons) {
    const response = await fetch(new URL(src, url));
    expect([src, response.status, response.headers.get('content-type')]).toEqual([src, 200, type]);
  }
  // A browser profile of a test is a private window to Chromium.
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
  expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([]);
});

test('text files go compressed to those who take it, with the type and the policy of the file itself', async () => {
  const { url } = await ChatServer.start(await dataFolder());
  // Not `fetch`, which unpacks by itself.
  const get = async (path: string, accept: string) => {
    const response = await new Promise<IncomingMessage>((resolve) => {
      request(new URL(path, url), { headers: { 'accept-encoding': accept } }, resolve).end();
    });
    return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
  };
  const html = (await get('/', 'identity')).body.toString();
  const script = /\/assets\/[^"]+\.js/.exec(html)?.[0] as string;
  for (const path of ['/', script, '/service-worker.js', '/manifest.webmanifest', '/favicon.svg']) {
    const plain = await get(path, 'identity');
    const unpack = { br: brotliDecompressSync, gzip: gunzipSync } as const;
    for (const [accept, encoding] of [
      ['gzip, deflate, br, zstd', 'br'],
      ['gzip, br;q=0', 'gzip'],
      ['gzip', 'gzip'],
    ] as const) {
      const packed = await get(path, accept);
      expect(packed.status).toBe(200);
      expect(packed.headers['content-encoding']).toBe(encoding);
      expect(packed.headers['vary']).toBe('accept-encoding');
      expect(packed.headers['content-type']).toBe(plain.headers['content-type']);
      expect(packed.headers['cache-control']).toBe(plain.headers['cache-control']);
      expect(packed.headers['content-security-policy']).toBe(plain.headers['content-security-policy']);
      expect(unpack[encoding](packed.body).equals(plain.body)).toBe(true);
      expect(packed.headers['etag']).not.toBe(plain.headers['etag']);
    }
    expect(plain.headers['content-encoding']).toBeUndefined();
  }
  const packed = (await get(script, 'br')).body.length;
  expect(packed).toBeLessThan((await get(script, 'identity')).body.length / 3);
  expect((await get('/none.js', 'gzip, br')).status).toBe(404);
});
