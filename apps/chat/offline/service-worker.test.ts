/** The service worker in a world of its own: caches, a network and events that the test hands in. */
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';

const source = readFileSync(new URL('./service-worker.js', import.meta.url), 'utf8');
const origin = 'https://chat.example';

/** What a browser keeps between service workers, and the network. */
class Browser {
  readonly caches = new Map<string, Map<string, string>>();
  readonly fetched: string[] = [];
  files: Record<string, string> = {};

  /** The network: what the server has now. */
  fetch(path: string): string {
    this.fetched.push(path);
    const text = this.files[path];
    if (text === undefined) throw new TypeError(`${path}: not found`);
    return text;
  }

  /** Starts a service worker of a build with these files. */
  start(version: string, files: readonly string[]) {
    const handlers = new Map<string, (event: unknown) => void>();
    const globals = {
      page: { version, files },
      URL,
      Request: class {
        constructor(
          readonly path: string,
          readonly options: { cache?: string },
        ) {}
      },
      self: {
        location: { origin },
        skipWaiting: () => undefined,
        clients: { claim: async () => undefined },
        addEventListener: (name: string, handler: (event: unknown) => void) => handlers.set(name, handler),
      },
      fetch: async ({ url }: { url: string }) => this.fetch(new URL(url).pathname),
      caches: {
        open: async (name: string) => {
          const cache = this.caches.get(name) ?? new Map<string, string>();
          this.caches.set(name, cache);
          return {
            match: async (path: string) => cache.get(path),
            addAll: async (requests: { path: string }[]) => {
              const texts = requests.map(({ path }) => [path, this.fetch(path)] as const);
              for (const [path, text] of texts) cache.set(path, text);
            },
          };
        },
        keys: async () => [...this.caches.keys()],
        delete: async (name: string) => this.caches.delete(name),
      },
    };
    runInNewContext(source, globals);
    const happens = async (name: string, event: object = {}) => {
      let result: unknown;
      const take = (value: unknown) => {
        result = value;
      };
      handlers.get(name)?.({ ...event, waitUntil: take, respondWith: take });
      return await result;
    };
    return {
      install: () => happens('install'),
      activate: () => happens('activate'),
      /** What it answers; `undefined` when it leaves the request to the browser. */
      answer: (url: string, method = 'GET') =>
        happens('fetch', { request: { method, url: new URL(url, origin).href } }),
    };
  }
}

test('once installed it answers for all files of its build without the network, and for nothing else', async () => {
  const browser = new Browser();
  browser.files = { '/': 'page 1', '/assets/a-1.js': 'code 1' };
  const worker = browser.start('1', ['/', '/assets/a-1.js']);
  await worker.install();
  await worker.activate();
  browser.files = {};
  browser.fetched.length = 0;
  expect(await worker.answer('/')).toBe('page 1');
  expect(await worker.answer('/?from=home#/room/tea')).toBe('page 1');
  expect(await worker.answer('/assets/a-1.js')).toBe('code 1');
  for (const url of ['/healthz', '/sync', '/assets/b.js', 'https://elsewhere.example/']) {
    expect(await worker.answer(url)).toBeUndefined();
  }
  expect(await worker.answer('/', 'POST')).toBeUndefined();
  expect(browser.fetched).toEqual([]);
});

test('a newer build takes the place of the older one, and leaves caches of others alone', async () => {
  const browser = new Browser();
  browser.caches.set('of another app', new Map());
  browser.files = { '/': 'page 1' };
  const older = browser.start('1', ['/']);
  await older.install();
  await older.activate();
  browser.files = { '/': 'page 2' };
  const newer = browser.start('2', ['/']);
  await newer.install();
  expect(await older.answer('/')).toBe('page 1');
  await newer.activate();
  expect(await newer.answer('/')).toBe('page 2');
  expect([...browser.caches.keys()]).toEqual(['of another app', 'page files 2']);
});

test('a newer build of which a file is missing is not installed; the older one goes on', async () => {
  const browser = new Browser();
  browser.files = { '/': 'page 1' };
  const older = browser.start('1', ['/']);
  await older.install();
  await older.activate();
  browser.files = { '/': 'page 2' };
  await expect(browser.start('2', ['/', '/assets/gone.js']).install()).rejects.toThrow('gone.js');
  expect(await older.answer('/')).toBe('page 1');
});

test('files that the browser has deleted come from the network again', async () => {
  const browser = new Browser();
  browser.files = { '/': 'page 1' };
  const worker = browser.start('1', ['/']);
  await worker.install();
  await worker.activate();
  browser.caches.clear();
  expect(await worker.answer('/')).toBe('page 1');
});
