/**
 * The built chat as people see and use it: three widths, both themes, keyboard alone. Screenshots go to
 * `test-results/screenshots`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GossipNode } from '@gossip-log/react';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { chromiumArguments, findChromium } from '../../scripts/chromium.mjs';

const root = join(import.meta.dirname, '../..');
const screenshots = join(root, 'test-results/screenshots');

const widths = [360, 768, 1280];
const themes = ['light', 'dark'] as const;
const robin = { id: 'robin', name: 'Robin', color: '#0f766e' };
const ada = { id: 'ada', name: 'Ada Lovelace', color: '#5b5ef0' };

let browser: Browser;
let chat: RunningChat;
const dataDir = mkdtempSync(join(tmpdir(), 'gossip-log-chat-'));
const contexts: BrowserContext[] = [];

interface RunningChat {
  readonly url: string;
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
}

/** Starts the chat's server and waits for the line that says where it is. */
async function startChat(env: Record<string, string> = {}): Promise<RunningChat> {
  const child = spawn(process.execPath, [join(root, 'apps/chat/server.mjs')], {
    env: { ...process.env, PORT: '0', DATA_DIR: dataDir, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const ready = /^Chat is ready: (http:\S+)$/m.exec(text);
      if (ready?.[1] !== undefined) resolve(ready[1]);
    });
    exited.then((code) => reject(new Error(`the chat ended with ${code} before it was ready`)));
  });
  return { url, process: child, exited };
}

interface Visitor {
  readonly width?: number;
  readonly theme?: 'light' | 'dark';
  /** Without one, it is the first visit. */
  readonly profile?: typeof robin;
}

async function visit(room: string, { width = 1280, theme = 'light', profile }: Visitor): Promise<Page> {
  // Without motion, so that nothing is looked at half way.
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme: theme,
    reducedMotion: 'reduce',
  });
  contexts.push(context);
  if (profile !== undefined) {
    await context.addInitScript((value) => {
      localStorage.setItem('gossip-log-chat.profile', value);
    }, JSON.stringify(profile));
  }
  const page = await context.newPage();
  await page.goto(`${chat.url}/#/room/${encodeURIComponent(room)}`);
  return page;
}

const composer = (page: Page) => page.getByRole('textbox', { name: 'Message', exact: true });
const messages = (page: Page) => page.getByRole('region', { name: 'Conversation' }).locator('li[data-event-id]');

async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press('Enter');
  await messages(page).last().getByText(text).waitFor();
}

async function askToDelete(page: Page, text: string): Promise<void> {
  const row = messages(page).filter({ hasText: text });
  await row.hover();
  await row.getByRole('button', { name: 'Delete message' }).click();
  await page.getByRole('dialog', { name: 'Delete this message?' }).waitFor();
}

/** What axe-core finds, one line each; and whether the page scrolls sideways. */
async function faults(page: Page): Promise<string[]> {
  // Evaluated by the debugger's protocol: the page's own policy would refuse a script from elsewhere.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    const sideways = document.documentElement.scrollWidth > document.documentElement.clientWidth;
    return [
      ...violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' ')}`),
      ...(sideways ? ['the page scrolls sideways'] : []),
    ];
  });
  return found;
}

beforeAll(async () => {
  mkdirSync(screenshots, { recursive: true });
  const executablePath = findChromium();
  [browser, chat] = await Promise.all([
    chromium.launch({ args: chromiumArguments(), ...(executablePath === undefined ? {} : { executablePath }) }),
    startChat(),
  ]);
});

afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
});

afterAll(async () => {
  await browser?.close();
  chat?.process.kill('SIGKILL');
  await chat?.exited;
  rmSync(dataDir, { recursive: true, force: true });
});

test('the keyboard alone leads from the first visit to a message on the screen', async () => {
  const page = await visit('keyboard', {});
  await page.getByRole('textbox', { name: 'Your nickname' }).waitFor();
  await page.keyboard.type('Robin');
  await page.keyboard.press('Enter');
  await composer(page).waitFor();

  // Wherever the focus is, the first stop of the page leads straight to writing.
  const skip = page.getByRole('button', { name: 'Skip to writing' });
  for (let i = 0; i < 5 && !(await skip.evaluate((button) => button === document.activeElement)); i++) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  await page.keyboard.type('first line');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('second line');
  expect(await messages(page).count()).toBe(0);
  await page.keyboard.press('Enter');

  const message = messages(page).first();
  await message.waitFor();
  expect(await message.textContent()).toContain('first line\nsecond line');
  expect(await composer(page).inputValue()).toBe('');
  await message.getByRole('img', { name: 'Sent: safe at the relay' }).waitFor();
});

test('every control can be reached by Tab, and the one that has the focus can be seen', async () => {
  const page = await visit('controls', { profile: robin });
  await say(page, 'hello');
  const reached: string[] = [];
  // Once round the page and through the browser's own frame.
  for (let i = 0; i < 16; i++) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const { activeElement } = document;
      if (activeElement === null || activeElement === document.body) return undefined;
      const { outlineStyle } = getComputedStyle(activeElement);
      const box = activeElement.closest('.composer-box');
      const seen = outlineStyle !== 'none' || (box !== null && getComputedStyle(box).boxShadow !== 'none');
      const name = activeElement.getAttribute('aria-label') ?? activeElement.textContent ?? '';
      return { name: activeElement instanceof HTMLTextAreaElement ? 'Message' : name, seen };
    });
    if (stop === undefined) continue;
    expect(stop.seen, `focus on ${stop.name}`).toBe(true);
    reached.push(stop.name);
  }
  for (const name of ['Skip to writing', 'Open room', 'Theme: system', 'Conversation', 'Delete message', 'Message']) {
    expect(reached).toContain(name);
  }
});

test('the keyboard alone deletes a message, and one touch asks whether to', async () => {
  const page = await visit('delete', { profile: robin });
  await say(page, 'one');
  await say(page, 'two');
  await composer(page).press('Shift+Tab');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Delete this message?' });
  await dialog.getByText('one').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  expect(
    await messages(page)
      .first()
      .getByRole('button')
      .evaluate((it) => it === document.activeElement),
  ).toBe(true);
  await page.keyboard.press('Enter');
  // The button that does no harm comes first.
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await messages(page).first().getByText('Message deleted').waitFor();
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Conversation');

  const context = await browser.newContext({ viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true });
  contexts.push(context);
  await context.addInitScript((value) => {
    localStorage.setItem('gossip-log-chat.profile', value);
  }, JSON.stringify(robin));
  const phone = await context.newPage();
  await phone.goto(`${chat.url}/#/room/delete`);
  const button = messages(phone).filter({ hasText: 'two' }).getByRole('button', { name: 'Delete message' });
  await button.waitFor();
  expect(await button.evaluate((it) => getComputedStyle(it).opacity)).toBe('1');
  const { width, height } = (await button.boundingBox()) as { width: number; height: number };
  expect(Math.min(width, height)).toBeGreaterThanOrEqual(24);
  await button.tap();
  await phone.getByRole('dialog', { name: 'Delete this message?' }).waitFor();
});

test('at three widths, light and dark: no fault that axe-core finds, nothing runs out at the side', async () => {
  const other = await visit('look', { profile: ada });
  await say(other, 'Is the relay back?');
  await say(other, 'صباح الخير! Mixed with English, see https://example.org/a_(b).');
  const page = await visit('look', { profile: robin });
  await messages(page).getByText('Is the relay back?').waitFor();
  await say(page, 'It is 🎉\n\n1. one line\n2. and another');
  await say(page, 'averylongwordwithoutanyspace'.repeat(12));
  await say(page, '🚇');
  for (const [shown, text] of [
    [other, 'Is the relay back?'],
    [page, '1. one line'],
  ] as const) {
    await askToDelete(shown, text);
    await shown.getByRole('button', { name: 'Delete', exact: true }).click();
  }
  await messages(page).getByText('Message deleted').nth(1).waitFor();
  const asking = await visit('look', { profile: robin });
  await askToDelete(asking, '🚇');
  const first = await visit('look', {});
  await first.getByRole('button', { name: 'Start chatting' }).waitFor();
  const empty = await visit('look empty', { profile: robin });
  await empty.getByText('Nobody has said a word yet').waitFor();

  for (const width of widths) {
    for (const theme of themes) {
      const look = async (name: string, shown: Page) => {
        await shown.setViewportSize({ width, height: 800 });
        await shown.emulateMedia({ colorScheme: theme });
        await shown.screenshot({ path: join(screenshots, `${name}-${width}-${theme}.png`) });
        expect(await faults(shown), `${name} at ${width} px, ${theme}`).toEqual([]);
      };
      await look('room', page);
      await look('deleting', asking);
      await look('welcome', first);
      await look('empty', empty);
      if (width > 360) continue;
      await page.getByRole('button', { name: 'Rooms' }).click();
      await page.getByRole('navigation', { name: 'Rooms' }).waitFor();
      await look('rooms', page);
      await page.keyboard.press('Escape');
    }
  }
});

test('older messages that the disk does not give: a button stays, and works by keyboard once it does', async () => {
  const room = 'long ago';
  const page = await visit(room, { profile: robin });
  await composer(page).waitFor();
  await page.evaluate(
    async ([id, author, count]) => {
      const { gossip } = globalThis as unknown as { gossip: GossipNode };
      const log = gossip.open(id);
      await log.ready;
      const texts = Array.from({ length: count }, (_, i) => `Message number ${i + 1}`);
      for (const event of texts.map((text) => log.append({ text, author }))) await log.delivered(event);
    },
    [room, ada, 1500] as const,
  );
  // A reload may come before the journal is packed; then it is read as a whole once more.
  const lengthInMemory = () =>
    page.evaluate(async (id) => {
      const { gossip } = globalThis as unknown as { gossip: GossipNode };
      const handle = gossip.open(id, { window: { last: 0 } });
      await handle.ready;
      const { length } = handle.snapshot();
      handle.release();
      return length;
    }, room);
  await expect
    .poll(async () => {
      await page.reload();
      await messages(page).first().waitFor();
      return lengthInMemory();
    })
    .toBeLessThan(1500);
  await page.evaluate(() => {
    const { transaction } = IDBDatabase.prototype;
    const fail = () => {
      throw new DOMException('no disk', 'UnknownError');
    };
    Object.assign(globalThis, { mendDisk: () => Object.assign(IDBDatabase.prototype, { transaction }) });
    Object.assign(IDBDatabase.prototype, { transaction: fail });
  });

  const button = page.getByRole('button', { name: 'Show older messages' });
  const conversation = page.getByRole('region', { name: 'Conversation' });
  const toTop = () => conversation.evaluate((box) => box.scrollTo(0, 0));
  const trouble = page.getByRole('alert').getByText('cannot save or read messages');
  await expect.poll(() => toTop().then(() => trouble.count()), { timeout: 20_000 }).toBe(1);
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme });
      await toTop();
      await page.screenshot({ path: join(screenshots, `older-${width}-${theme}.png`) });
      expect(await faults(page)).toEqual([]);
    }
  }

  await page.evaluate(() => (globalThis as unknown as { mendDisk(): void }).mendDisk());
  const first = messages(page).first();
  const text = await first.locator('.text').textContent();
  await button.press('Enter');
  await page.getByRole('status').getByText('older messages').waitFor();
  expect(await button.count()).toBe(0);
  expect(await conversation.evaluate((box) => box === document.activeElement)).toBe(true);
  expect(await trouble.count()).toBe(0);
  expect(await first.locator('.text').textContent()).not.toBe(text);
  await messages(page)
    .getByText(text as string, { exact: true })
    .waitFor();
});

test('on a narrow screen the rooms are a drawer: Escape closes it, a new room opens from it', async () => {
  const page = await visit('drawer', { width: 360, profile: robin });
  const opener = page.getByRole('button', { name: 'Rooms', exact: true });
  await opener.click();
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('#drawer');
  await page.keyboard.press('Escape');
  await expect.poll(() => opener.evaluate((button) => button === document.activeElement)).toBe(true);
  await opener.click();
  await page.getByRole('textbox', { name: 'Join or create a room' }).fill('# Café / 100 % ?');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Café / 100 % ?' }).waitFor();
  expect(new URL(page.url()).hash).toBe(`#/room/${encodeURIComponent('Café / 100 % ?')}`);
});

test('text of others is text: markup is shown, not obeyed, and only web addresses are links', async () => {
  const page = await visit('markup', { profile: robin });
  await say(page, '<img src=x onerror=alert(1)> javascript:alert(1)');
  expect(await messages(page).locator('img, script').count()).toBe(0);
  expect(await messages(page).locator('a').count()).toBe(0);
});

test('the page forbids scripts from elsewhere, and hashed files are kept for ever', async () => {
  const response = await fetch(chat.url);
  const policy = response.headers.get('content-security-policy');
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toContain('unsafe');
  expect(response.headers.get('cache-control')).toBe('no-cache');
  const asset = /\/assets\/[^"]+\.js/.exec(await response.text())?.[0];
  expect((await fetch(chat.url + asset)).headers.get('cache-control')).toContain('immutable');
  expect((await fetch(`${chat.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${chat.url}/%2e%2e/package.json`)).status).toBe(404);
});

test('a port that is taken gives one line and exit code 1', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, resolve));
  const { port } = taken.address() as { port: number };
  const child = spawn(process.execPath, [join(root, 'apps/chat/server.mjs')], {
    env: { ...process.env, PORT: String(port), DATA_DIR: join(dataDir, 'never') },
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  taken.close();
  expect(code).toBe(1);
  expect(output).toBe(`The chat cannot start: port ${port} is taken. Set PORT to another one.\n`);
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends the server with exit code 0, also with a page open',
  async (signal) => {
    const own = await startChat({ DATA_DIR: join(dataDir, signal) });
    const context = await browser.newContext();
    contexts.push(context);
    const page = await context.newPage();
    const socket = page.waitForEvent('websocket');
    await page.goto(own.url);
    await socket;
    own.process.kill(signal);
    expect(await own.exited).toBe(0);
  },
);
