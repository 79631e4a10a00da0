/** The built chat's server in a process of its own, and people with browsers who visit it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { GossipNode, LogHandle } from '@gossip-log/react';
import { build } from 'esbuild';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright';
import { onTestFinished } from 'vitest';
import { chromiumArguments, findChromium } from '../../scripts/chromium.mjs';

const root = join(import.meta.dirname, '../..');

/** A folder for a server's data, removed with the test. */
export async function dataFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gossip-log-chat.'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

export function launchBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  return chromium.launch({ args: chromiumArguments(), ...(executablePath === undefined ? {} : { executablePath }) });
}

/** Serves a page that runs one script, by its path under `packages`. Resolves with its address; ends with the test. */
export async function servePage(script: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'packages', script)],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    conditions: ['@gossip-log/source'],
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const server = createServer(({ url }, response) => {
    const isCode = url === '/page.js';
    response.writeHead(200, {
      'content-type': isCode ? 'text/javascript' : 'text/html; charset=utf-8',
      // A sandboxed frame is of another origin than its own script.
      'access-control-allow-origin': '*',
    });
    response.end(isCode ? outputFiles[0]?.contents : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export class ChatServer {
  readonly url: string;
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(url: string, child: ChildProcess, ended: Promise<unknown>) {
    this.url = url;
    this.port = Number(new URL(url).port);
    this.#child = child;
    this.#ended = ended;
  }

  /** Starts it and waits until it is ready. It ends with the test at the latest. */
  static async start(dataDir: string, port = 0): Promise<ChatServer> {
    const child = spawn(process.execPath, [join(root, 'apps/chat/server.mjs')], {
      env: { ...process.env, PORT: String(port), DATA_DIR: dataDir },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    const url = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const ready = /^Chat is ready: (http:\S+)$/.exec(line)?.[1];
        if (ready !== undefined) resolve(ready);
      });
      ended.then(([code]) => reject(new Error(`the chat ended with ${code} before it was ready`)));
    });
    const server = new ChatServer(url, child, ended);
    onTestFinished(() => server.kill());
    return server;
  }

  /** kill -9. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

/** What the chat's page offers the console, and what the functions below leave there. */
interface PageGlobals {
  readonly gossip: GossipNode;
  log: LogHandle<{ readonly text: string }>;
}

/** One message as a page holds it. */
export interface HeldMessage {
  readonly id: string;
  readonly text: string;
}

/** Somebody in a room. What is done "by hand" goes through the page as people see it. */
export class Visitor {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly name: string;

  private constructor(page: Page, context: BrowserContext, name: string) {
    this.page = page;
    this.context = context;
    this.name = name;
  }

  /** Opens a browser profile of its own, at an address of the chat, in a room. It closes with the test. */
  static async enter(browser: Browser, url: string, room: string, name: string): Promise<Visitor> {
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    await context.addInitScript(
      (profile) => {
        localStorage.setItem('gossip-log-chat.profile', profile);
      },
      JSON.stringify({ id: name, name, color: '#0f766e' }),
    );
    return Visitor.#open(context, url, room, name);
  }

  /** Another tab of the same browser, in the same room. */
  async anotherTab(url: string, room: string): Promise<Visitor> {
    return Visitor.#open(this.context, url, room, this.name);
  }

  static async #open(context: BrowserContext, url: string, room: string, name: string): Promise<Visitor> {
    const page = await context.newPage();
    await page.goto(`${url}/#/room/${encodeURIComponent(room)}`);
    const visitor = new Visitor(page, context, name);
    await visitor.#settle(room);
    return visitor;
  }

  async #settle(room: string): Promise<void> {
    await this.composer.isEnabled();
    await this.page.evaluate(async (id) => {
      const globals = globalThis as unknown as PageGlobals;
      globals.log = globals.gossip.open(id);
      await globals.log.ready;
    }, room);
  }

  async reload(room: string): Promise<void> {
    await this.page.reload();
    await this.#settle(room);
  }

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: 'Message', exact: true });
  }

  /** Messages in the document, which are the newest of the room. */
  get messages(): Locator {
    return this.page.getByRole('region', { name: 'Conversation' }).locator('li[data-event-id]');
  }

  /** The marks beside own messages, by what they say to those who do not see them. */
  marks(label: 'Saved on this device, not sent yet' | 'Sent: safe at the relay'): Locator {
    return this.messages.getByRole('img', { name: label });
  }

  get offlineBanner(): Locator {
    return this.page.getByRole('status').getByText('You are offline.');
  }

  /** Writes and sends by hand; resolves when the composer is empty again. */
  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press('Enter');
    await this.page.getByRole('button', { name: 'Send', exact: true, disabled: true }).waitFor();
  }

  /** Writes through the node, in bursts of ten; resolves with what they became once all are stored here. */
  write(texts: readonly string[]): Promise<HeldMessage[]> {
    return this.page.evaluate(
      async ([texts, name]) => {
        const { log } = globalThis as unknown as PageGlobals;
        const written: { id: string; text: string }[] = [];
        for (const text of texts) {
          const event = log.append({ text, author: { id: name, name, color: '#0f766e' } } as { text: string });
          written.push({ id: event.id, text });
          if (written.length % 10 === 0 || written.length === texts.length) await log.delivered(event);
        }
        return written;
      },
      [texts, this.name] as const,
    );
  }

  /** Begins to write without an end, many at a time, and to note in `relayed` what was shown as such. */
  writeWithoutEnd(): Promise<void> {
    return this.page.evaluate((name) => {
      const globals = globalThis as unknown as PageGlobals & { relayed: HeldMessage[]; writing: boolean };
      const { log } = globals;
      globals.relayed = [];
      globals.writing = true;
      for (let lane = 0; lane < 20; lane++) {
        (async () => {
          for (let i = 0; globals.writing; i++) {
            const text = `${name} ${lane} ${i}`;
            const event = log.append({ text, author: { id: name, name, color: '#0f766e' } } as { text: string });
            await log.delivered(event, 'relayed');
            globals.relayed.push({ id: event.id, text });
          }
        })();
      }
    }, this.name);
  }

  /** Resolves once `writeWithoutEnd` has seen so many as relayed, with all of them. */
  relayed(count: number): Promise<HeldMessage[]> {
    return this.page.evaluate(async (count) => {
      const { log, relayed } = globalThis as unknown as PageGlobals & { relayed: HeldMessage[] };
      await new Promise<void>((resolve) => {
        const look = () => {
          if (relayed.length >= count) resolve();
        };
        log.subscribe(look);
        look();
      });
      return [...relayed];
    }, count);
  }

  /** Ends `writeWithoutEnd`. */
  stopWriting(): Promise<void> {
    return this.page.evaluate(() => {
      (globalThis as unknown as { writing: boolean }).writing = false;
    });
  }

  /** Resolves once the page's node holds so many messages, with all of them, in the order shown. */
  has(count: number): Promise<HeldMessage[]> {
    return this.page.evaluate(async (count) => {
      const { log } = globalThis as unknown as PageGlobals;
      await new Promise<void>((resolve) => {
        const look = () => {
          if (log.snapshot().length >= count) resolve();
        };
        log.subscribe(look);
        look();
      });
      return log.snapshot().map(({ id, payload }) => ({ id, text: payload.text }));
    }, count);
  }

  /** Resolves once all that the page holds is durable in this browser. Until then a reload may take it back. */
  allStored(): Promise<void> {
    return this.page.evaluate(async () => {
      const { log } = globalThis as unknown as PageGlobals;
      for (const event of log.snapshot()) await log.delivered(event);
    });
  }

  /** Resolves once everything that this page wrote since it was loaded is durable at the relay. */
  allRelayed(): Promise<void> {
    return this.page.evaluate(async () => {
      const { log } = globalThis as unknown as PageGlobals;
      const { writer } = await log.ready;
      for (const event of log.snapshot()) if (event.writer === writer) await log.delivered(event, 'relayed');
    });
  }

  /** The network is back, says the platform: what waits to dial again does so now. */
  online(): Promise<void> {
    return this.page.evaluate(() => {
      dispatchEvent(new Event('online'));
    });
  }
}
