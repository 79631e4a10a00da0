#!/usr/bin/env node
/**
 * `gossip-log relay`: runs a relay until it is told to stop.
 *
 * One line says when it is ready, one line what is wrong. Exit codes: 0 stopped as told, 1 trouble, 2 wrong usage,
 * 130 and 143 stopped at once by a second SIGINT or SIGTERM.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { GossipError } from '@gossip-log/core';
import { systemEnvironment } from '@gossip-log/transport';
import { LogLines } from './log-lines.js';
import { createRelay, isLoopback } from './relay.js';

const help = `Usage: gossip-log relay [options]

Runs a relay: clients connect to it, and it keeps what they write.

  --port <number>          Port to listen at, 0 takes a free one. Default: PORT, or 4400.
  --host <address>         Address to listen at. Default: 127.0.0.1, which only this machine reaches. Others, such as
                           0.0.0.0 for every address of the machine, need --open.
  --open                   Let everybody who reaches it read and write every log.
  --data <folder>          Where everything is kept. Default: DATA_DIR, or ./data.
  --path <path>            Where clients connect. Default: /sync.
  --allow-origin <origin>  Let only pages of this origin connect, such as https://chat.example. May be repeated.
                           Clients that are not browsers have no origin and are let in. Default: every origin.
  --trust-proxy            A proxy stands before it: count what a peer may cost by the last address in
                           X-Forwarded-For, which the proxy adds. Default: by the address that connects.
  --keep-days <number>     Delete events that came longer ago. Default: all are kept.
  --keep-events <number>   Delete all but the newest events of a log. Default: all are kept.
  --name <name>            Name in acknowledgements. Default: a random id, drawn at every start.
  --help, --version
`;

/** A relay that is still there then is ended: Docker kills after 10 s. */
const stopMsMax = 8_000;
/** npx passes a Ctrl-C on to a process that the terminal has told already: so close together, the two are one. */
const sameSignalMs = 500;

/** The caller's mistake: the message says what was expected. */
class UsageError extends Error {}

try {
  await run(readArguments());
} catch (error) {
  console.error(`gossip-log: ${explain(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function run({ values, positionals }: ReturnType<typeof readArguments>): Promise<void> {
  if (values.help) return console.log(help);
  if (values.version) return console.log(version());
  const [given = 'nothing', ...more] = positionals;
  if (given !== 'relay') {
    throw new UsageError(`expected the command relay, got ${given}; try gossip-log relay, or gossip-log --help`);
  }
  if (more.length > 0) {
    throw new UsageError(`relay takes options alone, such as --host and --port, got ${more.join(' ')}`);
  }
  const { host, data, path, name, open, 'allow-origin': origins } = values;
  if (!open && !isLoopback(host)) {
    throw new UsageError(
      `at --host ${host} everybody who reaches this machine may read and write every log; add --open to allow that`,
    );
  }
  if (data === '') throw new UsageError('--data must name a folder, got nothing');
  if (!path.startsWith('/')) throw new UsageError(`--path must begin with /, got ${path || 'nothing'}`);
  for (const origin of origins ?? []) {
    // Browsers send just that: anything longer would let nobody in.
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new UsageError(`--allow-origin must be an origin such as https://chat.example, got ${origin}`);
    }
  }
  const log = new LogLines((line) => console.error(line), systemEnvironment);
  const relay = await createRelay({
    port: readPort(values.port),
    host,
    open,
    trustProxy: values['trust-proxy'],
    dataDir: data,
    path,
    onError: (error) => log.line(`relay: ${error.message}`),
    onNotice: (notice) => log.line(JSON.stringify({ time: new Date().toISOString(), ...notice })),
    retention: readRetention(values),
    ...(name === undefined ? {} : { name }),
    ...(origins === undefined
      ? {}
      : { allowOrigin: (origin: string | undefined) => origin === undefined || origins.includes(origin) }),
  });
  stopOnSignals(() => relay.close());
  console.log(`Relay is ready: ${relay.address?.url}`);
  if (isLoopback(host)) return;
  console.log(`It is open: everybody who reaches ${host}, port ${relay.address?.port}, may read and write every log.`);
}

function stopOnSignals(close: () => Promise<void>): void {
  let stoppingSince: number | undefined;
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      if (stoppingSince !== undefined) {
        if (performance.now() - stoppingSince > sameSignalMs) process.exit(code);
        return;
      }
      stoppingSince = performance.now();
      setTimeout(() => fail(`it took more than ${stopMsMax} ms`), stopMsMax).unref();
      close().then(() => process.exit(0), fail);
    });
  }
  const fail = (reason: unknown) => {
    console.error(`gossip-log: did not stop cleanly: ${explain(reason)}`);
    process.exit(1);
  };
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        port: { type: 'string', default: process.env['PORT'] || '4400' },
        host: { type: 'string', default: '127.0.0.1' },
        open: { type: 'boolean', default: false },
        data: { type: 'string', default: process.env['DATA_DIR'] || './data' },
        path: { type: 'string', default: '/sync' },
        'allow-origin': { type: 'string', multiple: true },
        'trust-proxy': { type: 'boolean', default: false },
        'keep-days': { type: 'string' },
        'keep-events': { type: 'string' },
        name: { type: 'string' },
        help: { type: 'boolean', default: false },
        version: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    // Node adds how to pass an argument that begins with a dash: there is none here.
    throw new UsageError(explain(error).replace(/\. To specify a positional.*$/s, ''));
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new UsageError(`the port must be a number from 0 to 65535, got ${text}`);
}

function readRetention(values: ReturnType<typeof readArguments>['values']): { ageMsMax?: number; eventsMax?: number } {
  const read = (name: 'keep-days' | 'keep-events') => {
    const text = values[name];
    if (text !== undefined && !/^\d{1,9}$/.test(text)) {
      throw new UsageError(`--${name} must be a whole number from 0 up, got ${text || 'nothing'}`);
    }
    return text === undefined ? undefined : Number(text);
  };
  const [days, eventsMax] = [read('keep-days'), read('keep-events')];
  return {
    ...(days === undefined ? {} : { ageMsMax: days * 24 * 60 * 60_000 }),
    ...(eventsMax === undefined ? {} : { eventsMax }),
  };
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

function explain(error: unknown): string {
  // What the system said, where a call of it failed.
  const cause = error instanceof Error ? error.cause : undefined;
  const { code, port, address, path, syscall, hostname } = (cause ?? {}) as Readonly<Record<string, unknown>>;
  if (error instanceof GossipError && error.code === 'storage-in-use') {
    return `another relay uses the folder ${error.context['folder']}; stop it, or choose another one with --data`;
  }
  if (syscall === 'mkdir' && (code === 'EEXIST' || code === 'ENOTDIR')) {
    return `${path} is not in a folder, or is a file itself; choose another folder with --data`;
  }
  if (code === 'EADDRINUSE') return `port ${port} is taken; choose another one with --port`;
  if (code === 'EACCES' && port !== undefined)
    return `port ${port} is not allowed; choose one from 1024 up with --port`;
  if (code === 'ENOTFOUND') return `${hostname} is no address of this machine; correct --host`;
  if (code === 'EADDRNOTAVAIL') return `${address} is no address of this machine; correct --host`;
  return error instanceof Error ? error.message : String(error);
}
