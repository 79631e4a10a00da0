/**
 * A tab in the background of a real Chromium, which lets its timers fire once a minute.
 *
 * Both ends live `speed` times as fast, so that a minute is long for the relay at once: it waits for a sign of life 8 s
 * instead of 40 s. The browser's throttling is its own and runs at the real pace; it begins after seconds instead of five
 * minutes.
 */
import { type Environment, limits } from '@gossip-log/core';
import { createRelay } from '@gossip-log/relay';
import { memoryStorage } from '@gossip-log/storage/memory';
import { type Browser, chromium } from 'playwright';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Gossip } from '../../packages/react/test/whole-page.js';
import { chromiumArguments, findChromium } from '../../scripts/chromium.mjs';
import { servePage } from './harness.js';

const speed = 5;
const tickMs = limits.sessionTickMs / speed;
/** No timer for so long: a heartbeat that hangs on one is missed, wherever in a tick of either end it was last sent. */
const throttledMsMin = limits.silenceMsMax / speed + 3 * tickMs;

/** Runs in the page as well: nothing from outside of it may be used. */
function fastEnvironment(speed: number): Environment {
  const [startedAt, started] = [Date.now(), performance.now()];
  const elapsed = () => (performance.now() - started) * speed;
  return {
    elapsed,
    now: () => Math.round(startedAt + elapsed()),
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    setTimer(ms, callback) {
      const timer = setTimeout(callback, ms / speed);
      return () => clearTimeout(timer);
    },
  };
}

interface PageGlobals {
  readonly gossip: Gossip;
  /** The connection's states, in order, with what ended it. */
  states: string[];
  /** When an interval of `tickMs` was last called back: a session's own timer is throttled with it. */
  lastTick: number;
  /** Appends; resolves when the relay has stored it. */
  write(): Promise<unknown>;
}

/** Runs in the page: begins to sync, and to note when timers fire. Resolves when the connection is open. */
async function begin(environment: Environment, url: string, tickMs: number): Promise<void> {
  const globals = globalThis as unknown as PageGlobals;
  const { createGossipNode, memoryStorage, webSocketClient } = globals.gossip;
  const connections = [webSocketClient({ url, environment })];
  const node = createGossipNode({ storage: memoryStorage(), connections, environment });
  const log = node.open<string>('room');
  globals.states = [];
  globals.lastTick = performance.now();
  setInterval(() => {
    globals.lastTick = performance.now();
  }, tickMs);
  globals.write = () => log.delivered(log.append('written while hidden'), 'relayed');
  await new Promise<void>((resolve) => {
    const look = () => {
      const { status, sources } = node.connection();
      const [source] = sources;
      const state = source?.state === 'waiting' ? `${status}: ${source.reason.message}` : status;
      if (globals.states.at(-1) !== state) globals.states.push(state);
      if (status === 'online') resolve();
    };
    node.subscribe(look);
    look();
  });
}

let browser: Browser;
beforeAll(async () => {
  const executablePath = findChromium();
  browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [...chromiumArguments(), '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1'],
    // Playwright's pages are never in the background; these would hold for all others too.
    ignoreDefaultArgs: [
      ...['--disable-background-timer-throttling', '--disable-backgrounding-occluded-windows'],
      '--disable-renderer-backgrounding',
    ],
  });
});
afterAll(() => browser?.close());

/**
 * Opens a tab that Playwright does not know, since it gives the focus to each page that it knows. Returns what evaluates an
 * expression there, and what puts another tab before it.
 */
async function openTab(url: string) {
  const session = await browser.newBrowserCDPSession();
  const { targetId } = await session.send('Target.createTarget', { url });
  const { sessionId } = await session.send('Target.attachToTarget', { targetId, flatten: false });
  const waiting = new Map<number, (answer: Answer) => void>();
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const answer = JSON.parse(message) as Answer;
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  let last = 0;
  return {
    async evaluate<T>(expression: string): Promise<T> {
      const id = ++last;
      const params = { expression, awaitPromise: true, returnByValue: true };
      const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
      const message = JSON.stringify({ id, method: 'Runtime.evaluate', params });
      await session.send('Target.sendMessageToTarget', { sessionId, message });
      const { result, error } = await answered;
      const failure = error?.message ?? result?.exceptionDetails?.exception?.description;
      if (failure !== undefined) throw new Error(failure);
      return result?.result.value as T;
    },
    hide: () => session.send('Target.createTarget', { url: 'about:blank' }),
  };
}

interface Answer {
  readonly id: number;
  readonly error?: { readonly message: string };
  readonly result?: {
    readonly result: { readonly value?: unknown };
    readonly exceptionDetails?: { readonly exception?: { readonly description?: string } };
  };
}

test('a hidden tab stays connected while its timers fire once a minute, and what it writes arrives [S2]', async () => {
  const environment = fastEnvironment(speed);
  const relay = await createRelay({ port: 0, storage: memoryStorage(), environment });
  onTestFinished(() => relay.close());
  const tab = await openTab(await servePage('react/test/whole-page.ts'));
  await expect.poll(() => tab.evaluate('document.readyState')).toBe('complete');
  await tab.evaluate(`(${begin})((${fastEnvironment})(${speed}), ${JSON.stringify(relay.address?.url)}, ${tickMs})`);
  await tab.hide();
  await expect
    .poll(() => tab.evaluate('document.visibilityState'), { message: 'the page with another tab before it' })
    .toBe('hidden');

  const message = 'the browser did not throttle the timers of a hidden page; milliseconds since the last one';
  const sinceTick = () => tab.evaluate<number>('performance.now() - lastTick');
  await expect.poll(sinceTick, { message, timeout: 60_000, interval: 250 }).toBeGreaterThan(throttledMsMin);

  expect(await tab.evaluate('states')).toEqual(['connecting', 'online']);
  expect(relay.metrics()).toMatchObject({ connections: 1, connectionsTotal: 1 });
  await tab.evaluate('write()');
});
