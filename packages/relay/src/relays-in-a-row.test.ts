/** Relays that dial other relays, over real sockets and real disks. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { webSocketClient } from '@gossip-log/transport';
import { expect, onTestFinished, test } from 'vitest';
import { client, hasEvents, idsOf, openLog, WebSocket } from '../test/client.js';
import { createRelay, type Relay, type RelayOptions } from './relay.js';

const room = 'room';

/** A relay on a folder of its own, which may end and start again at its port. */
async function relayAt(name: string, options: Partial<RelayOptions> = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'gossip-log-row.'));
  let port = 0;
  let relay: Relay | undefined;
  const start = async () => {
    relay = await createRelay({ port, dataDir, name, ...options });
    port = relay.address?.port as number;
  };
  const stop = async () => {
    await relay?.close();
    relay = undefined;
  };
  onTestFinished(async () => {
    await stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  await start();
  return { start, stop, url: () => `ws://127.0.0.1:${port}/sync` };
}

/** Dials a relay, at once whenever it is told to. */
function dialling(url: () => string) {
  const network = new EventTarget();
  return {
    source: webSocketClient({ url, WebSocket, network }),
    online: () => network.dispatchEvent(new Event('online')),
  };
}

test('clients at two relays in a row exchange events, also what was written while the line was down [R7] [L1] [L4]', async () => {
  const central = await relayAt('central');
  const line = dialling(central.url);
  const site = await relayAt('site', { connections: [line.source] });
  const [ada, bob] = [client(site.url()), client(central.url())];
  const here = await openLog(ada, room);
  const there = await openLog(bob, room);
  await here.delivered(here.append('from the site'), 'relayed');
  await hasEvents(there, 1);
  await there.delivered(there.append('from the centre'), 'relayed');
  await hasEvents(here, 2);
  expect(here.snapshot().map((event) => here.delivery(event))).toContainEqual({ state: 'relayed', node: 'site' });

  await central.stop();
  const meanwhile = here.append('while the line is down');
  await here.delivered(meanwhile, 'relayed');
  // The site's relay has all of it by itself.
  const late = await openLog(client(site.url()), room);
  await hasEvents(late, 3);
  expect(idsOf(late)).toEqual(idsOf(here));

  await central.start();
  line.online();
  bob.online();
  await hasEvents(there, 3);
  expect(idsOf(there)).toEqual(idsOf(here));
});

test('a client at one relay of a row is sent the window that it asks for, and its relay keeps all of the log [R7] [M1]', async () => {
  const count = 3_000;
  const central = await relayAt('central');
  const written = await openLog(client(central.url()), room);
  let last = written.append('0');
  for (let i = 1; i < count; i++) last = written.append(`${i}`);
  await written.delivered(last, 'relayed');

  const line = dialling(central.url);
  const site = await relayAt('site', { connections: [line.source] });
  const windowed = client(site.url()).node.open<string>(room, { window: { last: 200 } });
  await hasEvents(windowed, 200);
  const all = await openLog(client(site.url()), room);
  await hasEvents(all, count);
  expect(idsOf(windowed)).toEqual(idsOf(all).slice(-windowed.snapshot().length));

  await central.stop();
  const alone = await openLog(client(site.url()), room);
  await hasEvents(alone, count);
  expect(idsOf(alone)).toEqual(idsOf(written));
});

test('each relay of a row is asked under its own token, in both directions [R7] [R3]', async () => {
  const asked: string[] = [];
  const authorize =
    (name: string): NonNullable<RelayOptions['authorize']> =>
    ({ token, action }) => {
      asked.push(`${name}: ${token} may ${action}`);
      return true;
    };
  const central = await relayAt('central', { token: 'of the centre', authorize: authorize('central') });
  const line = dialling(central.url);
  const site = await relayAt('site', {
    token: 'of the site',
    authorize: authorize('site'),
    connections: [line.source],
  });
  const here = await openLog(client(site.url()), room);
  const there = await openLog(client(central.url()), room);
  here.append('1');
  await hasEvents(there, 1);
  expect(asked).toEqual(
    expect.arrayContaining([
      'central: of the site may write',
      'site: of the centre may read',
      'site: undefined may read',
    ]),
  );
});
