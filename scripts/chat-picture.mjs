/**
 * `npm run chat:picture`: draws `docs/images/chat.png` anew. Three people talk in the built chat, and each is shown at a
 * width and in a theme of their own. Needs a build, which `npm start` makes.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { chromiumArguments, ensureChromium } from './chromium.mjs';
import { root } from './run.mjs';

const room = 'garden';
const height = 640;
const people = /** @type {const} */ ([
  { name: 'Ada', color: '#c93f21', width: 790, theme: 'light' },
  { name: 'Noor', color: '#e11d63', width: 770, theme: 'dark' },
  { name: 'Bo', color: '#b45f06', width: 360, theme: 'dark' },
]);
/** Who says what. @type {readonly (readonly [number, string])[]} */
const talk = [
  [0, 'The tomatoes are in 🍅 Who has the watering can?'],
  [2, 'Me, sorry! I am on the train, so this may arrive late 🚆'],
  [1, 'لا مشكلة، سأسقيها الليلة'],
  [0, 'Perfect. Seeds for the beans are in the shed, second shelf.'],
  [1, 'Planting plan: https://example.com/beds'],
  [2, 'Out of the tunnel now. Everything is here, in the right order ✨'],
  [0, 'That is the point, isn’t it?'],
];

const dataDir = mkdtempSync(join(tmpdir(), 'gossip-log-picture-'));
const server = spawn(process.execPath, [join(root, 'apps/chat/server.mjs')], {
  env: { ...process.env, PORT: '0', DATA_DIR: dataDir },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const browser = await chromium.launch({ executablePath: await ensureChromium(), args: chromiumArguments() });
try {
  const url = await new Promise((resolve, reject) => {
    server.once('exit', () => reject(new Error('the chat did not start: is it built?')));
    server.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      const ready = /^Chat is ready: (http:\S+)$/m.exec(text)?.[1];
      if (ready !== undefined) resolve(ready);
    });
  });
  const pages = [];
  for (const { name, color, width, theme } of people) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: theme,
      reducedMotion: 'reduce',
      locale: 'en-GB',
      serviceWorkers: 'block',
    });
    await context.addInitScript(
      (profile) => localStorage.setItem('gossip-log-chat.profile', profile),
      JSON.stringify({ id: name, name, color }),
    );
    const page = await context.newPage();
    await page.goto(`${url}/#/room/${room}`);
    pages.push(page);
  }
  for (const [who, text] of talk) {
    const composer = pages[who]?.getByRole('textbox', { name: 'Message', exact: true });
    await composer?.fill(text);
    await composer?.press('Enter');
    for (const page of pages) await page.locator('li[data-event-id]').getByText(text).waitFor();
  }
  await pages[0]?.getByRole('img', { name: 'Sent: safe at the relay' }).nth(2).waitFor();
  const shots = await Promise.all(pages.map((page) => page.screenshot()));
  const sheet = await browser.newPage({ viewport: { width: 1200, height: 600 } });
  const images = shots.map((shot) => `<img src="data:image/png;base64,${shot.toString('base64')}">`).join('');
  await sheet.setContent(`<style>
    body { display: inline-flex; gap: 24px; margin: 0; padding: 24px; background: #eceeea }
    img { display: block; border-radius: 14px; box-shadow: 0 2px 16px rgb(20 30 26 / 16%) }
  </style>${images}`);
  await sheet.evaluate(() => Promise.all([...document.images].map((image) => image.decode())));
  await sheet.locator('body').screenshot({ path: join(root, 'docs/images/chat.png') });
} finally {
  server.removeAllListeners('exit');
  server.kill('SIGTERM');
  await browser.close();
  rmSync(dataDir, { recursive: true, force: true });
}
