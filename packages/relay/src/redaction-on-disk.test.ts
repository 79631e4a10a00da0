/** What is redacted is gone from all files of relay and client; everything else stays what it was. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogEvent } from '@gossip-log/core';
import { lmdbStorage } from '@gossip-log/storage/lmdb';
import { createGossipNode, type GossipNode, type LogHandle, webSocketClient } from '@gossip-log/transport';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { createRelay, type Relay } from './relay.js';

const host = '127.0.0.1';
const secret = 'the words that are taken back';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gossip-log-redaction.'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function relayOn(dataDir: string, port = 0): Promise<Relay & { readonly port: number; readonly url: string }> {
  const relay = await createRelay({ port, host, dataDir });
  onTestFinished(() => relay.close());
  return Object.assign(relay, { port: relay.address?.port as number, url: relay.address?.url as string });
}

function clientOn(path: string, url: string): GossipNode {
  const node = createGossipNode({
    storage: lmdbStorage({ path }),
    connections: [webSocketClient({ url, WebSocket: WebSocket as never })],
    onError: () => undefined,
  });
  onTestFinished(() => node.close());
  return node;
}

async function open(node: GossipNode): Promise<LogHandle<string>> {
  const log = node.open<string>('room');
  await log.ready;
  return log;
}

/** Is the text in any file of a folder? Records lie there as they are; a chunk as small as these is deflated. */
async function isLeft(path: string): Promise<boolean> {
  const files = await readdir(path);
  const found = await Promise.all(files.map(async (file) => (await readFile(join(path, file))).includes(secret)));
  return found.includes(true);
}

/** Is it in a packed chunk or a record, as a storage reads them? */
async function isStored(path: string): Promise<boolean> {
  const storage = lmdbStorage({ path });
  const { records } = await storage.load('room');
  const chunks = await storage.readChunks('room');
  await storage.close();
  return [...records.map(({ block }) => block), ...chunks.values()].some((bytes) =>
    Buffer.from(bytes).includes(secret),
  );
}

const until = (what: () => unknown) => expect.poll(what, { timeout: 20_000 }).toBe(true);

/** All but the payload of what was redacted. */
function shown(log: LogHandle<string>, redacted: LogEvent<string>): unknown[] {
  return log
    .snapshot()
    .map(({ id, clock, timestamp, payload }) => ({ id, clock, timestamp, payload: id === redacted.id ? '' : payload }));
}

test('a text that is redacted at once is gone from all files of client and relay, and nothing else changed', async () => {
  const [dataDir, here, away] = await Promise.all([folder(), folder(), folder()]);
  const relay = await relayOn(dataDir);
  const ada = await open(clientOn(here, relay.url));
  const bobNode = clientOn(away, relay.url);
  const bob = await open(bobNode);
  for (let i = 0; i < 30; i++) ada.append(`message ${i}`);
  const event = ada.append(`${secret} `.repeat(20));
  for (let i = 30; i < 60; i++) ada.append(`message ${i}`);
  await ada.delivered(ada.append('last'), 'relayed');
  await until(() => bob.snapshot().length === 62);
  const before = shown(ada, event);
  expect(await Promise.all([dataDir, here, away].map(isLeft))).toEqual([true, true, true]);
  // One who holds the text is away.
  await bobNode.close();

  await ada.delivered(ada.redact(event.id, { now: true }), 'relayed');
  await ada.erased();
  expect(await isLeft(here)).toBe(false);
  await until(async () => !(await isLeft(dataDir)));
  expect(shown(ada, event)).toEqual(before);

  // Who was away gets to know when they come back, and a newcomer never sees the text.
  const back = await open(clientOn(away, relay.url));
  await until(() => back.log?.get(event.id)?.redacted !== undefined);
  await back.erased();
  expect(await isLeft(away)).toBe(false);
  expect(shown(back, event)).toEqual(before);
  const late = await folder();
  const newcomer = await open(clientOn(late, relay.url));
  await until(() => newcomer.snapshot().length === 62);
  expect(shown(newcomer, event)).toEqual(before);
  expect(newcomer.log?.get(event.id)?.redacted).toBeDefined();
  expect(await isLeft(late)).toBe(false);
}, 60_000);

test('packed chunks lose it too, over restarts of all, and an empty relay is filled without it', async () => {
  const [dataDir, here] = await Promise.all([folder(), folder()]);
  const relay = await relayOn(dataDir);
  const first = clientOn(here, relay.url);
  const log = await open(first);
  const words = () => Array.from({ length: 12 }, () => Math.random().toString(36).slice(2)).join(' ');
  const event = log.append(`${secret} ${words()}`);
  for (let i = 0; i < 1_500; i++) log.append(words());
  await log.delivered(log.append('last'), 'relayed');
  const before = shown(log, event);
  await first.close();
  await relay.close();
  for (const path of [dataDir, here]) expect(await isStored(path)).toBe(true);

  // Redacted without a hurry: gone once those that hold it are opened again.
  const again = await relayOn(dataDir, relay.port);
  const second = clientOn(here, again.url);
  const open2 = await open(second);
  await open2.delivered(open2.redact(event.id), 'relayed');
  await second.close();
  await again.close();

  const third = await relayOn(dataDir, relay.port);
  const node = clientOn(here, third.url);
  const open3 = await open(node);
  await open3.erased();
  expect(await isLeft(here)).toBe(false);
  await until(async () => !(await isLeft(dataDir)));
  expect(shown(open3, event)).toEqual(before);
  await third.close();
  expect(await isStored(dataDir)).toBe(false);
  expect(await isStored(here)).toBe(false);

  // The relay is replaced by an empty one.
  const empty = await folder();
  const fourth = await relayOn(empty, relay.port);
  await open3.delivered(open3.append('to the new one'), 'relayed');
  const newcomer = await open(clientOn(await folder(), fourth.url));
  await until(() => newcomer.snapshot().length === before.length + 1);
  expect(shown(newcomer, event).slice(0, -1)).toEqual(before);
  expect(newcomer.snapshot().at(0)?.redacted).toBeDefined();
  expect(await isLeft(empty)).toBe(false);
  expect(await isStored(empty)).toBe(false);
}, 60_000);
