/**
 * The relay: a node that promises durability, writes nothing of its own, and opens whatever log a peer asks for.
 *
 * - [R1] A log is read from storage with the first peer that opens it, and given back when its last peer has left it.
 * - [R2] What it acknowledged is there after any end of its process, kill -9 among them (L4).
 * - [R3] `authorize` is asked before anything of a log is sent to a peer or taken from it.
 * - [R4] Nothing that a peer sends, or does not read, ends the process or holds up another peer (L6, L7).
 * - [R5] A relay that cannot listen, or cannot use its store, rejects with the reason and leaves nothing open.
 * - [R6] `close` stores what is pending, says goodbye to peers, and leaves nothing open.
 * - [R7] What a client opens is opened at the relays that this one dials, and at those that dial it. Each of them keeps all of
 *   the log, whatever part of it the client asks for: what one has acknowledged, it can give to anyone, without the others.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import {
  type ConnectionSource,
  checkOptions,
  type Environment,
  GossipError,
  type GossipStorage,
  limits,
} from '@gossip-log/core';
import { lmdbStorage } from '@gossip-log/storage/lmdb';
import { createGossipNode, type GossipNode, type GossipNodeOptions, type PeerNotice } from '@gossip-log/transport';
import {
  type WebSocketServer,
  type WebSocketServerOptions,
  webSocketServer,
} from '@gossip-log/transport/web-socket-server';
import {
  type Counts,
  copyOf,
  countCommits,
  countConnections,
  countNotice,
  newCounts,
  type RelayMetrics,
} from './metrics.js';

export interface RelayOptions
  extends Pick<GossipNodeOptions, 'authorize' | 'name' | 'onError' | 'onNotice' | 'retention'>,
    Pick<WebSocketServerOptions, 'allowOrigin' | 'connectionsMax' | 'trustProxy'> {
  /** Listen here, with a server of its own; 0 takes a free port. Exactly one of this, `server` and `noServer`. */
  readonly port?: number;
  /** With `port`: the address to listen at. Default: `127.0.0.1`, which only this machine reaches. */
  readonly host?: string;
  /** Share this server, `http` or `https`. It is yours: you let it listen, and you close it after the relay. */
  readonly server?: Server | HttpsServer;
  /** Take the upgrades that are handed to `Relay.handleUpgrade`, where other code takes upgrades of the server as well. */
  readonly noServer?: boolean;
  /**
   * Let everybody who reaches the relay read and write every log. Needed without `authorize` wherever other machines may
   * reach it: at a `host` that is not this machine's own, on a `server`, and with `noServer`. Default false.
   */
  readonly open?: boolean;
  /** Where clients connect. Default: `/sync`; with `noServer` whatever is handed over. */
  readonly path?: string;
  /** A folder for LMDB, a path or a `file:` URL, made when it is missing. Either this or `storage`. */
  readonly dataDir?: string | URL;
  /** Where events are kept. The relay's from then on: it closes it, also when it cannot start. */
  readonly storage?: GossipStorage;
  /** Time, randomness and timers. Default: the platform's. */
  readonly environment?: Environment;
  /**
   * Other relays, for example through `webSocketClient({ url, WebSocket })`: what clients open here this relay opens there too,
   * and the other way round. It keeps all of such a log itself. Default: none.
   */
  readonly connections?: readonly ConnectionSource[];
  /** Shown to those relays with every log, for their `authorize`; each of two relays shows its own. Default: none. */
  readonly token?: NonNullable<GossipNodeOptions['token']>;
}

/** Where a relay listens. */
export interface RelayAddress {
  /** As the system says it: `0.0.0.0` and `::` mean every address. */
  readonly host: string;
  readonly port: number;
  /** For clients on the same machine: `ws://127.0.0.1:4400/sync`. */
  readonly url: string;
}

export interface Relay {
  /** `undefined` while a shared server does not listen, or listens at a path of the file system; and with `noServer`. */
  readonly address: RelayAddress | undefined;
  /** What was counted so far. A copy. */
  metrics(): RelayMetrics;
  /**
   * Takes over an upgrade of an HTTP server; with `noServer`.
   *
   * @throws TypeError without `noServer`.
   * @example
   * ```ts
   * import { createServer } from 'node:http';
   * import { createRelay } from '@gossip-log/relay';
   * import { WebSocketServer } from 'ws';
   *
   * const relay = await createRelay({ noServer: true, dataDir: './data', authorize: ({ token }) => token === 'a secret' });
   * const others = new WebSocketServer({ noServer: true });
   * const server = createServer();
   * server.on('upgrade', (request, socket, head) => {
   *   if (request.url === '/sync') relay.handleUpgrade(request, socket, head);
   *   else others.handleUpgrade(request, socket, head, (socket) => others.emit('connection', socket, request));
   * });
   * ```
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Stores what is pending, says goodbye to peers, closes the storage and its own server. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a relay and resolves once it takes connections. With `port` it also answers `GET /healthz`: 200 `ok`, or
 * 503 while the last batch could not be stored.
 *
 * @throws TypeError for an unknown option; unless exactly one of `port`, `server` and `noServer`, and one of `dataDir` and
 *   `storage`, is given; and where other machines may reach it, without `authorize` or `open`.
 * @throws GossipError `storage-failed`, `storage-format`; `storage-in-use` when another relay has the folder; `connection-lost` when it cannot listen, with the system's
 *   error as `cause`.
 * @example
 * ```ts
 * import { createRelay } from '@gossip-log/relay';
 *
 * const relay = await createRelay({
 *   port: 4400,
 *   dataDir: './data',
 *   authorize: ({ token, action }) => action === 'read' || token === 'a secret of writers',
 * });
 * console.log(relay.address?.url); // ws://127.0.0.1:4400/sync
 * await relay.close();
 * ```
 */
export async function createRelay(options: RelayOptions): Promise<Relay> {
  checkOptions('createRelay', options, {
    ...{ port: 'number', host: 'string', server: 'object', noServer: 'boolean', path: 'string', open: 'boolean' },
    ...{ dataDir: 'any', storage: 'object', authorize: 'function', name: 'string', onError: 'function' },
    ...{ retention: 'any', environment: 'object', allowOrigin: 'function', connectionsMax: 'number' },
    ...{ connections: 'array', token: 'any', onNotice: 'function', trustProxy: 'boolean' },
  });
  const { port, host = '127.0.0.1', dataDir, noServer = false, connectionsMax = limits.connectionsMax } = options;
  exactlyOne(options, 'port', 'server', 'noServer');
  exactlyOne(options, 'dataDir', 'storage');
  checkOpen(options, host);
  const counts = newCounts();
  const onNotice = (notice: PeerNotice) => {
    countNotice(counts, notice);
    options.onNotice?.(notice);
  };
  const path = options.path ?? (noServer ? undefined : '/sync');
  const own = port === undefined ? undefined : createOwnServer(counts, connectionsMax, path as string);
  const server = own ?? options.server;
  const storage = options.storage ?? lmdbStorage({ path: dataDir as string | URL, exclusive: true });

  let node: GossipNode;
  let sockets: WebSocketServer;
  try {
    // Before the data is touched: a second relay on this port most likely means the same data.
    if (own !== undefined) await listen(own, port as number, host);
    // Opens the store, so that whoever starts the relay learns what is wrong with it, and not the first client.
    await storage.getMetadata('relay');
    sockets = webSocketServer({
      ...pick(options, 'allowOrigin', 'environment', 'onError', 'trustProxy'),
      onNotice,
      ...(server === undefined ? { noServer } : { server }),
      ...(path === undefined ? {} : { path }),
      connectionsMax,
    });
    node = createGossipNode({
      ...pick(options, 'authorize', 'name', 'onError', 'environment', 'retention', 'token'),
      storage: countCommits(storage, counts),
      durable: true,
      openOnDemand: true,
      onNotice,
      connections: [countConnections(sockets, counts), ...(options.connections ?? [])],
    });
  } catch (error) {
    await Promise.all([own && closeServer(own), storage.close()]);
    throw error;
  }

  const stop = async () => {
    const closed = own && closeServer(own);
    await node.close();
    await closed;
  };
  let stopping: Promise<void> | undefined;
  return {
    get address() {
      return server && addressOf(server, path as string);
    },
    handleUpgrade: (request, socket, head) => sockets.handleUpgrade(request, socket, head),
    metrics: () => copyOf(counts),
    close() {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** A server for upgrades and for whoever asks how the relay is. Nobody may hold a socket without finishing a request. */
function createOwnServer(counts: Counts, connectionsMax: number, path: string): Server {
  const answer: RequestListener = (request, response) => {
    const status = request.url !== '/healthz' ? 426 : counts.storing ? 200 : 503;
    const text = status === 200 ? 'ok' : status === 503 ? 'cannot store' : STATUS_CODES[status];
    response.writeHead(status, { connection: 'close', 'content-type': 'text/plain' }).end(`${text}\n`);
  };
  const { handshakeMsMax } = limits;
  const server = createServer(
    { requestTimeout: handshakeMsMax, connectionsCheckingInterval: handshakeMsMax / 2 },
    answer,
  );
  // As many may be on their way in as may be open.
  server.maxConnections = 2 * connectionsMax;
  server.on('upgrade', ({ url }, socket) => {
    // The connections take upgrades of their own path, while there is a node. Nobody else answers: a socket would stay.
    const own = url?.split('?')[0] === path;
    if (own && server.listenerCount('upgrade') > 1) return;
    const status = own ? 503 : 404;
    socket.on('error', () => undefined);
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
    socket.end(head, () => socket.destroy());
  });
  return server;
}

function listen(server: Server, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => {
      reject(new GossipError('connection-lost', `cannot listen: ${cause.message}`, { cause }));
    };
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

/** Resolves when the last connection is gone, also when it never listened. Upgraded ones end by their own goodbye. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function addressOf(server: Server | HttpsServer, path: string): RelayAddress | undefined {
  const address = server.address();
  if (address === null || typeof address === 'string') return undefined;
  const { address: host, port } = address;
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  const scheme = 'setSecureContext' in server ? 'wss' : 'ws';
  return { host, port, url: `${scheme}://${name}:${port}${path}` };
}

function exactlyOne(options: RelayOptions, ...names: (keyof RelayOptions)[]): void {
  const given = names.filter((name) => options[name] !== undefined && options[name] !== false);
  if (given.length === 1) return;
  throw new TypeError(`createRelay: expected exactly one of ${names.join(', ')}, got ${given.join(' and ') || 'none'}`);
}

/** Nobody opens a relay to a network without saying so. */
function checkOpen({ port, authorize, open }: RelayOptions, host: string): void {
  if (open === true || authorize !== undefined || (port !== undefined && isLoopback(host))) return;
  const where = port === undefined ? 'a server that is shared' : `host ${host}`;
  throw new TypeError(
    `createRelay: ${where} may be reached by other machines: expected authorize, or open: true to let everybody read and write`,
  );
}

/** Does only this machine reach that address? @internal */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host);
}

/** The options of these names that were given; `exactOptionalPropertyTypes` tells them from `undefined`. */
function pick<Name extends keyof RelayOptions>(options: RelayOptions, ...names: Name[]): Pick<RelayOptions, Name> {
  const given = names.filter((name) => options[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, options[name]])) as Pick<RelayOptions, Name>;
}
