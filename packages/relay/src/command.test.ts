import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EventId, limits, parseEventId } from '@gossip-log/core';
import { blocksOf, runsOf } from '@gossip-log/core/sync';
import { lmdbStorage } from '@gossip-log/storage/lmdb';
import type { LogHandle } from '@gossip-log/transport';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Client, client, hasEvents, idsOf, openLog, until } from '../test/client.js';
import { RawPeer } from '../test/raw-peer.js';
import { bundleCommand, CommandProcess } from '../test/relay-process.js';

let program: string;

beforeAll(async () => {
  const bundle = await bundleCommand();
  program = bundle.program;
  return bundle.remove;
});

/** `gossip-log …` in a process of its own. */
function command(args: readonly string[], env: Readonly<Record<string, string>> = {}): CommandProcess {
  const started = new CommandProcess(program, args, env);
  onTestFinished(async () => {
    started.signal('SIGKILL');
    await started.ended;
  });
  return started;
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gossip-log-command.'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

function startRelay(data: string, port = 0): CommandProcess {
  return command(['relay', '--host', '127.0.0.1', '--port', String(port), '--data', data]);
}

interface Writer {
  readonly client: Client;
  readonly log: LogHandle<string>;
  /** What it saw as relayed. */
  readonly relayed: EventId[];
  /** Stops once the event that is on its way is relayed. */
  stop(): Promise<void>;
}

/** A client that writes as fast as the relay acknowledges, with up to 50 events on their way at a time. */
async function writer(url: string, name: string): Promise<Writer> {
  const of = client(url);
  const log = await openLog(of, 'room');
  const relayed: EventId[] = [];
  let writing = true;
  const lanes = Array.from({ length: 50 }, async (_, lane) => {
    for (let i = 0; writing; i++) {
      const event = log.append(`${name} ${lane} ${i} ${'x'.repeat(i % 700)}`);
      await log.delivered(event, 'relayed');
      relayed.push(event.id);
    }
  });
  // A writer that is closed in the middle is no fault: its relay was killed for good.
  const done = Promise.all(lanes).catch(() => {});
  return {
    client: of,
    log,
    relayed,
    async stop() {
      writing = false;
      await done;
    },
  };
}

/** What the folder holds, read as it lies there: the last sequence number of each writer. */
async function heads(data: string): Promise<ReadonlyMap<string, number>> {
  const storage = lmdbStorage({ path: data });
  try {
    const { records } = await storage.load('room');
    const blocks = [...blocksOf(await storage.readChunks('room')), ...records.map(({ block }) => block)];
    const last = new Map<string, number>();
    for (const run of blocks.flatMap(runsOf)) last.set(run.writer, Math.max(run.last, last.get(run.writer) ?? 0));
    return last;
  } finally {
    await storage.close();
  }
}

function expectKept(kept: ReadonlyMap<string, number>, relayed: readonly EventId[]): void {
  const missing = relayed.filter((id) => {
    const { writer, seq } = parseEventId(id);
    return seq > (kept.get(writer) ?? 0);
  });
  expect(missing).toEqual([]);
}

test('[R2] [L4] killed with -9 under load, again and again: nothing that was shown as relayed is missing', async () => {
  const data = await folder();
  let relay = startRelay(data);
  const { url, port } = await relay.ready();
  const writers = await Promise.all([writer(url, 'ada'), writer(url, 'bob')]);
  const relayed = () => writers.flatMap((each) => each.relayed);

  for (const more of [1, 300, 1000, 170]) {
    const enough = relayed().length + more;
    // Whoever comes to it first: the other one may still be on its way back.
    await Promise.race(writers.map(({ log }) => until(log, () => relayed().length >= enough)));
    relay.signal('SIGKILL');
    expect(await relay.ended).toMatchObject({ signal: 'SIGKILL' });
    const seen = relayed();
    expectKept(await heads(data), seen);

    relay = startRelay(data, port);
    await relay.ready();
    for (const each of writers) each.client.online();
  }

  await Promise.all(writers.map((each) => each.stop()));
  const total = writers.reduce((sum, { relayed }) => sum + relayed.length, 0);
  expect(total).toBeGreaterThan(1471);
  const [ada, bob] = writers as [Writer, Writer];
  await Promise.all(writers.map(({ log }) => hasEvents(log, total)));
  expect(idsOf(ada.log)).toEqual(idsOf(bob.log));
  const order = idsOf(ada.log);

  // Nobody is left who could send again what the relay might have lost.
  await Promise.all(writers.map((each) => each.client.node.close()));
  relay.signal('SIGKILL');
  await relay.ended;
  relay = startRelay(data, port);
  const fresh = await openLog(client((await relay.ready()).url), 'room');
  await hasEvents(fresh, total);
  expect(idsOf(fresh)).toEqual(order);
  expect(new Set(order)).toEqual(new Set(relayed()));
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '[R6] %s under load stops it with exit code 0 and nothing on standard error; nothing relayed is missing',
  async (signal) => {
    const data = await folder();
    const relay = startRelay(data);
    const ada = await writer((await relay.ready()).url, 'ada');
    await until(ada.log, () => ada.relayed.length >= 300);
    relay.signal(signal);
    expect(await relay.ended).toMatchObject({ code: 0, errors: [] });
    expectKept(await heads(data), ada.relayed);
    await ada.client.node.close();
  },
);

test('[R6] a second signal stops it at once, whatever the first one waits for', async () => {
  const relay = startRelay(await folder());
  const { url } = await relay.ready();
  const deaf = await RawPeer.connect(url);
  await deaf.message('hello');
  // It never answers the goodbye.
  deaf.socket.pause();
  const again = setInterval(() => relay.signal('SIGTERM'), 100);
  onTestFinished(() => clearInterval(again));
  expect(await relay.ended).toMatchObject({ code: 143 });
});

test('[R5] a port that is taken: one line, exit code 1', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as { port: number };
  const data = join(await folder(), 'data');
  expect(await startRelay(data, port).ended).toEqual({
    code: 1,
    signal: null,
    output: [],
    errors: [`gossip-log: port ${port} is taken; choose another one with --port`],
  });
});

test('[R5] a folder that cannot be used: one line, exit code 1', async () => {
  const inTheWay = join(await folder(), 'a-file');
  await writeFile(inTheWay, '');
  const { code, errors } = await startRelay(join(inTheWay, 'data')).ended;
  expect(code).toBe(1);
  expect(errors).toEqual([expect.stringMatching(/^gossip-log: .*a-file.* choose another folder with --data$/)]);
  expect((await startRelay(inTheWay).ended).errors).toEqual([
    expect.stringMatching(/^gossip-log: .*a-file is .* a file itself; choose another folder with --data$/),
  ]);
});

test('[R5] a folder that another relay uses: one line, exit code 1; once that was killed it may be used', async () => {
  const data = await folder();
  const first = startRelay(data);
  await first.ready();
  const { code, errors } = await startRelay(data).ended;
  expect(code).toBe(1);
  expect(errors).toEqual([expect.stringMatching(/^gossip-log: another relay uses the folder .* with --data$/)]);
  first.signal('SIGKILL');
  await first.ended;
  await startRelay(data).ready();
});

test('[R5] an address that is none: one line, exit code 1', async () => {
  const { code, errors } = await command([
    ...['relay', '--open'],
    '--port',
    '0',
    '--host',
    'http://localhost',
    '--data',
    await folder(),
  ]).ended;
  expect(code).toBe(1);
  expect(errors).toEqual(['gossip-log: http://localhost is no address of this machine; correct --host']);
});

test('[R5] a data folder of something else: one line, exit code 1', async () => {
  const data = await folder();
  await mkdir(join(data, 'data.mdb'));
  const { code, errors } = await startRelay(data).ended;
  expect(code).toBe(1);
  expect(errors).toEqual([expect.stringMatching(/^gossip-log: .*\[storage-failed\]$/)]);
});

test.each([
  [[], 'expected the command relay, got nothing; try gossip-log relay, or gossip-log --help'],
  [['ws://a'], 'expected the command relay, got ws://a; try gossip-log relay, or gossip-log --help'],
  [['relay', 'http://a'], 'relay takes options alone, such as --host and --port, got http://a'],
  [['relay', '--data', ''], '--data must name a folder, got nothing'],
  [
    ['relay', '--allow-origin', 'a.example'],
    '--allow-origin must be an origin such as https://chat.example, got a.example',
  ],
  [
    ['relay', '--allow-origin', 'https://a.example/'],
    '--allow-origin must be an origin such as https://chat.example, got https://a.example/',
  ],
  [['relay', '--port', 'http'], 'the port must be a number from 0 to 65535, got http'],
  [['relay', '--port', '65536'], 'the port must be a number from 0 to 65535, got 65536'],
  [['relay', '--path', 'sync'], '--path must begin with /, got sync'],
  ...['0.0.0.0', '::', '192.0.2.7'].map((host): [string[], string] => [
    ['relay', '--host', host],
    `at --host ${host} everybody who reaches this machine may read and write every log; add --open to allow that`,
  ]),
])('[R5] wrong usage, one line and exit code 2: gossip-log %j', async (args, message) => {
  const end = await command(args).ended;
  expect(end).toEqual({ code: 2, signal: null, output: [], errors: [`gossip-log: ${message}`] });
});

test('[R5] an unknown option is named, and exit code 2', async () => {
  const { code, errors } = await command(['relay', '--prot', '80']).ended;
  expect(code).toBe(2);
  expect(errors).toEqual(["gossip-log: Unknown option '--prot'"]);
});

test('--help tells every option, --version the version, each with exit code 0', async () => {
  const help = await command(['--help']).ended;
  expect(help).toMatchObject({ code: 0, errors: [] });
  for (const option of ['--port', '--host', '--open', '--data', '--path', '--allow-origin', '--name']) {
    expect(help.output.join('\n')).toContain(option);
  }
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  expect(await command(['--version']).ended).toMatchObject({ code: 0, output: [version] });
});

test('it listens on this machine alone unless it is told to be open, and then says what that means', async () => {
  const guarded = command(['relay', '--port', '0', '--data', await folder()]);
  expect((await guarded.ready()).url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/sync$/);
  guarded.signal('SIGTERM');
  expect((await guarded.ended).output).toHaveLength(1);
  const open = command(['relay', '--host', '0.0.0.0', '--open', '--port', '0', '--data', await folder()]);
  const { port } = await open.ready();
  open.signal('SIGTERM');
  expect((await open.ended).output.at(-1)).toBe(
    `It is open: everybody who reaches 0.0.0.0, port ${port}, may read and write every log.`,
  );
});

test('PORT and DATA_DIR stand in for the options; pages of other origins are not let in', async () => {
  const data = join(await folder(), 'made', 'by the relay');
  const relay = command(['relay', '--host', '127.0.0.1', '--allow-origin', 'https://chat.example', '--name', 'home'], {
    PORT: '0',
    DATA_DIR: data,
  });
  const { url } = await relay.ready();
  const log = await openLog(client(url), 'room');
  const event = log.append('hello');
  await log.delivered(event, 'relayed');
  expect(log.delivery(event)).toEqual({ state: 'relayed', node: 'home' });

  const status = (origin: string) =>
    new Promise<number | undefined>((resolve) => {
      const peer = new RawPeer(url, { origin });
      peer.socket.on('open', () => resolve(101));
      peer.socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
    });
  expect(await status('https://chat.example')).toBe(101);
  expect(await status('https://elsewhere.example')).toBe(403);
  relay.signal('SIGTERM');
  await relay.ended;
  expect((await heads(data)).size).toBe(1);
});

test('[R4] a peer that breaks every rule is reported in a line at most, and the process goes on', async () => {
  const relay = startRelay(await folder());
  const { url } = await relay.ready();
  const count = 20;
  for (let i = 0; i < count; i++) {
    const hostile = await RawPeer.connect(url, i % 2 === 0);
    hostile.sendBytes(crypto.getRandomValues(new Uint8Array(1 + i * 100)).fill(i % 3, 0, 1));
    hostile.sendBytes(new Uint8Array(limits.frameBytesMax + 1));
    await hostile.closed;
  }
  const log = await openLog(client(url), 'room');
  await log.delivered(log.append('still here'), 'relayed');
  relay.signal('SIGTERM');
  const { code, errors } = await relay.ended;
  expect(code).toBe(0);
  expect(errors.length).toBeLessThanOrEqual(count);
});
