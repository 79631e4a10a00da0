/**
 * In Chromium: a room kept in IndexedDB is opened until its first rows show; then messages come one at a time, and
 * renders and time until each shows are counted. The same React list for every system, each with its own hook.
 */
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { build } from 'esbuild';
import { chromium, type Page } from 'playwright';
import { chromiumArguments } from '../../../scripts/chromium.mjs';
import { type Context, verify, type Workload } from '../workload.js';

const messages = 100;
const secondsMax = 110;

/** What a page of `bench/pages` and `bench/peers/pages` gives to this workload. */
interface BenchPage {
  fill(count: number): Promise<void>;
  open(count: number): Promise<number>;
  /** One message after another, each waited for: milliseconds and renders for all. */
  write(messages: number): Promise<{ ms: number; listRenders: number; rowRenders: number }>;
}
declare const bench: BenchPage;

export const browser: Workload = {
  name: 'browser',
  title: 'A room in Chromium, in React',
  systems: ['yjs', 'automerge'],
  events: 100_000,
  runs: 3,
  secondsMax: secondsMax + 10,
  async run(context) {
    const page = await openPage(context);
    try {
      await page.evaluate((count) => bench.fill(count), context.count);
      const opened: number[] = [];
      // The first time the browser compiles the page's code; the second is what a user knows.
      for (let round = 0; round < 2; round++) {
        await page.goto('about:blank');
        await page.goto(addresses.get(page) ?? '');
        opened.push(await page.evaluate((count) => bench.open(count), context.count));
      }
      const { ms, listRenders, rowRenders } = await page.evaluate((count) => bench.write(count), messages);
      const last = await page.locator('li').last().textContent();
      verify(last === `message ${messages - 1}`, 'the last message is the last row');
      return [
        { name: 'from reload to first rows', value: opened[1] as number, unit: 'ms' },
        { name: 'message to row', value: ms / messages, unit: 'ms' },
        { name: 'lists rendered for a message', value: listRenders / messages, unit: 'renders' },
        { name: 'rows rendered for a message', value: rowRenders / messages, unit: 'renders' },
      ];
    } finally {
      await page.context().browser()?.close();
    }
  },
};

const addresses = new WeakMap<Page, string>();

/** A server for the page of a system, and a browser that shows it. */
async function openPage({ system, home }: Context): Promise<Page> {
  const own = join(home, 'pages', `${system.name}.tsx`);
  const entry = existsSync(own) ? own : join(home, 'peers/pages', `${system.name}.jsx`);
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    minify: true,
    jsx: 'automatic',
    // Automerge has its WebAssembly inside its script under this one; a plain bundle has nowhere else to load it from.
    conditions: ['webpack'],
    define: { 'process.env.NODE_ENV': '"production"' },
    // One React for all: the workspace's.
    alias: { react: join(home, 'node_modules/react'), 'react-dom': join(home, 'node_modules/react-dom') },
    logLevel: 'silent',
  });
  const code = outputFiles[0]?.contents ?? '';
  const server = createServer(({ url }, response) => {
    const isCode = url === '/page.js';
    response.writeHead(200, { 'content-type': isCode ? 'text/javascript' : 'text/html; charset=utf-8' });
    response.end(isCode ? code : '<!doctype html><div id="root"></div><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const executablePath = process.env['CHROMIUM_PATH'];
  const launched = await chromium.launch({
    args: chromiumArguments(),
    ...(executablePath === undefined ? {} : { executablePath }),
  });
  const page = await launched.newPage();
  page.setDefaultTimeout(secondsMax * 1000);
  page.on('pageerror', (error) => console.error(`Error: ${error.message}`));
  addresses.set(page, `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`);
  await page.goto(addresses.get(page) as string);
  await page.waitForFunction('globalThis.bench !== undefined');
  return page;
}
