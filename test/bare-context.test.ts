/**
 * Core, views and the node with its client in a JavaScript context that has nothing but the language, and what the test puts
 * there: what React Native's Hermes, workers and older browsers lack is missing here, too.
 */
import { createContext, runInContext } from 'node:vm';
import { createRelay } from '@gossip-log/relay';
import { memoryStorage } from '@gossip-log/storage/memory';
import { build } from 'esbuild';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from '../packages/relay/test/client.js';

/** All that a client on a phone imports, as a script that leaves it in `gossip`. */
let script: string;
beforeAll(async () => {
  const imports = ['core', 'core/view', 'storage/memory', 'storage/indexeddb', 'transport'];
  const { outputFiles } = await build({
    stdin: {
      contents: imports.map((path) => `export * from '@gossip-log/${path}';`).join('\n'),
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'gossip',
    platform: 'neutral',
    target: 'es2022',
    conditions: ['@gossip-log/source'],
  });
  script = outputFiles[0]?.text as string;
});

/** Methods that are younger than ES2022: gone from the context before the script runs. */
const younger = `
  for (const [holder, names] of [
    [Array.prototype, ['toSorted', 'toReversed', 'toSpliced', 'with', 'findLast', 'findLastIndex', 'group', 'groupToMap']],
    [Object.getPrototypeOf(Uint8Array.prototype), ['toSorted', 'toReversed', 'with', 'findLast', 'findLastIndex']],
    [Uint8Array.prototype, ['toHex', 'toBase64', 'setFromHex', 'setFromBase64']],
    [Uint8Array, ['fromHex', 'fromBase64']],
    [ArrayBuffer.prototype, ['transfer', 'transferToFixedLength', 'resize']],
    [Array, ['fromAsync']],
    [Object, ['groupBy']],
    [Map, ['groupBy']],
    [Promise, ['withResolvers', 'try']],
    [Set.prototype, ['union', 'intersection', 'difference', 'symmetricDifference', 'isSubsetOf', 'isSupersetOf']],
    [String.prototype, ['isWellFormed', 'toWellFormed']],
    [Object.getPrototypeOf(Object.getPrototypeOf([].values())), ['map', 'filter', 'take', 'drop', 'flatMap', 'reduce',
      'toArray', 'forEach', 'some', 'every', 'find']],
  ]) for (const name of names) delete holder[name];
  for (const name of ['Iterator', 'WeakRef', 'FinalizationRegistry', 'SharedArrayBuffer', 'Atomics', 'Intl', 'WebAssembly', 'console']) {
    delete globalThis[name];
  }`;

const { setTimeout, clearTimeout, crypto, URL } = globalThis;

/** A context with these globals alone, the script run in it. */
function context(globals: Record<string, unknown>) {
  const bare = createContext({ ...globals });
  runInContext(younger, bare);
  runInContext(script, bare);
  return <T>(program: string) => runInContext(`(async () => { ${program} })()`, bare) as Promise<T>;
}

test('the context has nothing but the language', async () => {
  const names = ['TextEncoder', 'URL', 'crypto', 'setTimeout', 'queueMicrotask', 'structuredClone', 'performance'];
  const run = context({});
  for (const name of [...names, 'navigator', 'window', 'self', 'document', 'console', 'process', 'Buffer']) {
    expect(await run(`return typeof ${name};`), name).toBe('undefined');
  }
});

test('with timers and randomness, two nodes write, meet and read views', async () => {
  const run = context({ setTimeout, clearTimeout, crypto });
  const rows = await run<string[]>(`
    const { aggregate, count, createGossipNode, memoryPair, memoryStorage, view, where } = gossip;
    const wire = memoryPair();
    const ada = createGossipNode({ storage: memoryStorage(), connections: [wire.left] });
    const bob = createGossipNode({ storage: memoryStorage(), connections: [wire.right] });
    const [here, there] = [ada.open('tea 𝄞'), bob.open('tea 𝄞')];
    await Promise.all([here.ready, there.ready]);
    here.append({ text: 'Tea? ☕' });
    await new Promise((done) => there.subscribe(() => there.snapshot().length === 1 && done()));
    there.append({ text: 'Grüße, 𝄞' });
    await new Promise((done) => here.subscribe(() => here.snapshot().length === 2 && done()));
    const many = aggregate(view(here, where('text', 'Tea? ☕')), count()).value();
    const rows = [...here.snapshot().map(({ payload }) => payload.text), String(many)];
    await Promise.all([ada.close(), bob.close()]);
    return rows;
  `);
  expect([...rows]).toEqual(['Tea? ☕', 'Grüße, 𝄞', '1']);
});

test('with a WebSocket handed in, a client syncs over a relay', async () => {
  const relay = await createRelay({ port: 0, host: '127.0.0.1', storage: memoryStorage() });
  onTestFinished(() => relay.close());
  // React Native's URL has nothing but `href`, and no `canParse`.
  class BareURL {
    readonly href: string;
    constructor(address: string) {
      this.href = new URL(address).href;
    }
  }
  const run = context({ setTimeout, clearTimeout, crypto, URL: BareURL, WebSocket, address: relay.address?.url });
  const shown = await run<string>(`
    const { createGossipNode, memoryStorage, webSocketClient } = gossip;
    const open = () => createGossipNode({ storage: memoryStorage(), connections: [webSocketClient({ url: address })] });
    const [ada, bob] = [open(), open()];
    const [here, there] = [ada.open('tea'), bob.open('tea')];
    await here.ready;
    await here.delivered(here.append('Tea?'), 'relayed');
    await there.ready;
    await new Promise((done) => {
      const look = () => there.snapshot().length === 1 && done();
      there.subscribe(look);
      look();
    });
    const { payload } = there.snapshot().at(0);
    await Promise.all([ada.close(), bob.close()]);
    return payload;
  `);
  expect(shown).toBe('Tea?');
});

test.each<[string, Record<string, unknown>, string, string]>([
  [
    'randomness',
    { setTimeout, clearTimeout },
    'createGossipNode({ storage: memoryStorage() })',
    'crypto.getRandomValues',
  ],
  [
    'a WebSocket',
    { crypto, URL },
    "webSocketClient({ url: 'wss://relay.example' })",
    "pass the class of the package 'ws'",
  ],
])('where %s is missing, the call that needs it says so at once', async (_, globals, call, message) => {
  const run = context(globals);
  const said = await run<string>(`
    const { createGossipNode, memoryStorage, webSocketClient } = gossip;
    try { ${call}; return 'nothing'; } catch (error) { return error.name + ': ' + error.message; }
  `);
  expect(said).toMatch(/^TypeError: /);
  expect(said).toContain(message);
});

test('where IndexedDB is missing, calls reject with the reason', async () => {
  const run = context({ setTimeout, clearTimeout, crypto });
  const [code, reason, message] = await run<string[]>(`
    const error = await gossip.indexedDbStorage({ name: 'a' }).logs().catch((error) => error);
    return [error.code, error.context.reason, error.message];
  `);
  expect([code, reason], message).toEqual(['storage-failed', 'unavailable']);
});
