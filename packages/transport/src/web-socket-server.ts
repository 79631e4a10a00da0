/**
 * A source of connections that accepts WebSockets on Node, over `ws`.
 *
 * - [E1] Nothing that a peer sends or leaves out ends the process, or any connection but its own (L6).
 * - [E2] A refused peer costs an HTTP answer, not a socket: 403 for its origin, 503 over `connectionsMax`. The last
 *   eighth of the places is for addresses that have fewer connections than there are places left.
 * - [E3] On a server that it was given it takes upgrades of its own path alone, and never closes that server.
 * - [E5] Where another listener of a shared server ends a socket that is ours, as a second `ws` server does, it is said once,
 *   and how to hand upgrades over instead.
 * - [E4] `stop` says `node-closed` to every peer, which dials again later, and is done within `closeMsMax`.
 */
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { type AddressInfo, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type CloseReason,
  type Connection,
  type ConnectionSource,
  checkOptions,
  type Environment,
  GossipError,
  limits,
} from '@gossip-log/core';
import { WebSocketServer as WsServer } from 'ws';
import { addressOf } from './peer-address.js';
import type { PeerNotice } from './peer-notice.js';
import { mayTakePlace } from './peer-quota.js';
import { sliceReads } from './sliced-reads.js';
import { systemEnvironment } from './system-environment.js';
import { boundsOf, type ConnectionBounds, connectionBounds, openWebSocketConnection } from './web-socket-connection.js';

export interface WebSocketServerOptions extends ConnectionBounds {
  /** Listen here with a server of its own; 0 takes a free port. Exactly one of this, `server` and `noServer`. */
  readonly port?: number;
  /** With `port`: the address to listen at. Default: every address of the machine. */
  readonly host?: string;
  /** Share this server, `http` or `https`. It is yours: you let it listen, and you close it. */
  readonly server?: Server | HttpsServer;
  /**
   * Take the upgrades that are handed to `handleUpgrade`, and no others: for a server on which other code, such as a second
   * `ws` server, takes upgrades as well.
   */
  readonly noServer?: boolean;
  /** Accept upgrades of this path only; other paths are left to others. Default: every path. */
  readonly path?: string;
  /** Connections at the same time; one more is refused with HTTP 503. Default: `limits.connectionsMax`. */
  readonly connectionsMax?: number;
  /**
   * Whether pages of this origin may connect; `undefined` outside browsers. Default: every origin, which is sound as
   * long as rights come from tokens and not from cookies. Throwing refuses.
   */
  readonly allowOrigin?: (origin: string | undefined) => boolean;
  /**
   * A proxy stands before this server, and the last address in a request's `X-Forwarded-For`, which the proxy has added, is the
   * peer's: what a peer may cost is counted by address. Default: false, since without a proxy a peer could name any address.
   */
  readonly trustProxy?: boolean;
  /** With `port`: what a peer may take for its HTTP request, in milliseconds. Default: `limits.handshakeMsMax`. */
  readonly handshakeMsMax?: number;
  /** Called when a peer is refused (E2). */
  readonly onNotice?: (notice: PeerNotice) => void;
  /** Told of trouble that concerns no connection (E5). Default: `process.emitWarning`. */
  readonly onError?: (error: Error) => void;
  /** Time and timers. Default: the platform's. */
  readonly environment?: Environment;
}

/** A source that accepts, and where it does. */
export interface WebSocketServer extends ConnectionSource {
  /**
   * Resolves with the address once the server listens, which it begins to when the node starts it.
   *
   * @throws GossipError `connection-lost` when it cannot listen, with the system's error as `cause`.
   */
  address(): Promise<AddressInfo>;
  /**
   * Takes over an upgrade, as a server's `upgrade` event gives it; with `noServer`. Before the node has started it, and once
   * it has stopped, the answer is HTTP 503.
   *
   * @throws TypeError without `noServer`.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/**
 * Accepts WebSocket connections, on a port of its own, on a server that it shares, or as they are handed over.
 *
 * @throws TypeError unless exactly one of `port`, `server` and `noServer` is given.
 * @example
 * ```ts
 * import { webSocketServer } from '@gossip-log/transport/web-socket-server';
 *
 * const source = webSocketServer({ port: 0, host: '127.0.0.1' });
 * const stop = source.start({
 *   connected: (connection) => ({ frame: (bytes) => connection.send(bytes), closed: () => {} }),
 *   status: () => {},
 * });
 * const { port } = await source.address();
 * await stop();
 * ```
 */
export function webSocketServer(options: WebSocketServerOptions): WebSocketServer {
  checkOptions('webSocketServer', options, {
    ...{ port: 'number', host: 'string', server: 'object', noServer: 'boolean', path: 'string' },
    ...{ trustProxy: 'boolean', onNotice: 'function' },
    ...{
      connectionsMax: 'number',
      allowOrigin: 'function',
      onError: 'function',
      handshakeMsMax: 'number',
      environment: 'object',
      ...connectionBounds,
    },
  });
  if (options.path !== undefined && !/^\/[^?#]*$/.test(options.path)) {
    throw new RangeError(
      `webSocketServer: path: expected one that begins with /, without ? and #, got ${options.path}`,
    );
  }
  if (options.port !== undefined && !(Number.isInteger(options.port) && options.port < 65_536)) {
    throw new RangeError(`webSocketServer: port: expected a whole number below 65536, got ${options.port}`);
  }
  if (options.server !== undefined && typeof options.server.on !== 'function') {
    throw new TypeError('webSocketServer: server: expected an HTTP server of Node');
  }
  const { environment = systemEnvironment, connectionsMax = limits.connectionsMax, allowOrigin = () => true } = options;
  const noServer = options.noServer === true;
  if ([options.port !== undefined, options.server !== undefined, noServer].filter(Boolean).length !== 1) {
    throw new TypeError('webSocketServer: expected exactly one of port, server and noServer');
  }
  const server = noServer
    ? undefined
    : (options.server ?? createOwnServer(options.handshakeMsMax ?? limits.handshakeMsMax));
  let takeOver = (_request: IncomingMessage, socket: Duplex, _head: Buffer) => refuse(socket);

  let settleAddress: (listening: AddressInfo | GossipError) => void;
  const address = new Promise<AddressInfo>((resolve, reject) => {
    settleAddress = (outcome) => (outcome instanceof GossipError ? reject(outcome) : resolve(outcome));
  });
  // Who does not ask for the address learns of a failure from the status.
  address.catch(() => {});

  return {
    address: () => address,
    handleUpgrade(request, socket, head) {
      if (!noServer) throw new TypeError('handleUpgrade: expected a source that was made with noServer');
      takeOver(request, socket, head);
    },

    start(host) {
      const connections = new Set<Connection>();
      const byAddress = new Map<string, number>();
      const { onError: report = (error: Error) => process.emitWarning(error) } = options;
      const notice = (notice: PeerNotice) => {
        try {
          options.onNotice?.(notice);
        } catch (error) {
          // A hook that chokes must not end the process (E1).
          report(error instanceof Error ? error : new Error(String(error)));
        }
      };
      let allEnded = () => {};

      const ws = new WsServer({
        noServer: true,
        clientTracking: false,
        perMessageDeflate: false,
        maxPayload: boundsOf(options).frameBytesMax,
        maxFragments: limits.fragmentsMax,
        maxBufferedChunks: limits.bufferedChunksMax,
        ...(options.path === undefined ? {} : { path: options.path }),
        verifyClient: ({ origin, req }: { origin: string | undefined; req: IncomingMessage }, answer) => {
          const peer = peerOf(req, options.trustProxy === true);
          const free = connectionsMax - connections.size;
          const isFull = !mayTakePlace(byAddress.get(addressOf(peer)) ?? 0, free, connectionsMax);
          if (!isFull && isAllowed(allowOrigin, origin)) return answer(true);
          const message = isFull ? 'too many connections' : 'origin not allowed';
          notice({ type: 'refused', peer, code: isFull ? 'limit-exceeded' : 'forbidden', message });
          answer(false, isFull ? 503 : 403, message);
        },
      });

      let isDisturbed = false;
      const disturbed = (cause?: unknown) => {
        if (isDisturbed) return;
        isDisturbed = true;
        report(new Error(disturbance, { cause }));
      };

      const take = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        ws.handleUpgrade(request, socket, head, (accepted) => {
          sliceReads(socket);
          const peer = peerOf(request, options.trustProxy === true);
          const address = addressOf(peer);
          byAddress.set(address, (byAddress.get(address) ?? 0) + 1);
          const connection = openWebSocketConnection(accepted, host, {
            ...boundsOf(options),
            environment,
            peer,
            ended: () => {
              connections.delete(connection);
              const others = (byAddress.get(address) as number) - 1;
              if (others > 0) byAddress.set(address, others);
              else byAddress.delete(address);
              if (connections.size === 0) allEnded();
            },
          });
          connections.add(connection);
        });
      };
      const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        if (options.server !== undefined && !ws.shouldHandle(request)) return;
        // A listener before ours has refused it.
        if (socket.writableEnded || socket.destroyed) return disturbed();
        try {
          take(request, socket, head);
        } catch (cause) {
          // One before ours has made it a WebSocket of its own.
          return disturbed(cause);
        }
        if (socket.writableEnded) return;
        // Listeners behind ours run before any microtask.
        queueMicrotask(() => {
          if (socket.writableEnded) disturbed();
        });
      };
      const onListening = () => {
        settleAddress(server?.address() as AddressInfo);
        host.status({ state: 'open' });
      };
      const onError = (cause: Error) => {
        const error = new GossipError('connection-lost', `cannot listen: ${cause.message}`, { cause });
        settleAddress(error);
        host.status({ state: 'stopped', reason: error });
      };

      server?.on('upgrade', onUpgrade);
      server?.on('listening', onListening);
      if (server === undefined) {
        takeOver = onUpgrade;
        settleAddress(new GossipError('connection-lost', 'upgrades are handed over, so there is no address'));
        queueMicrotask(() => host.status({ state: 'open' }));
      } else if (options.server === undefined) {
        server.on('error', onError);
        // As many may be on their way in as may be open.
        server.maxConnections = 2 * connectionsMax;
        server.listen(options.port, options.host);
      } else if (server.listening) {
        queueMicrotask(onListening);
      }

      const stop = async () => {
        takeOver = (_request, socket) => refuse(socket);
        server?.off('upgrade', onUpgrade);
        server?.off('listening', onListening);
        await Promise.all([
          new Promise<void>((resolve) => {
            allEnded = resolve;
            for (const connection of connections) connection.close(goingAway);
            if (connections.size === 0) resolve();
          }),
          server !== undefined && options.server === undefined ? closeServer(server) : undefined,
        ]);
        settleAddress(new GossipError('connection-lost', 'the server was stopped'));
        host.status({ state: 'stopped', reason: { code: 'normal', message: 'the server was stopped' } });
      };
      let stopping: Promise<void> | undefined;
      return () => {
        stopping ??= stop();
        return stopping;
      };
    },
  };
}

const disturbance =
  'another `upgrade` listener of this HTTP server ended a connection of gossip-log: a second `ws` server that was made ' +
  'with `server` refuses every path but its own. Make both with `noServer`, and hand each upgrade to one of them: ' +
  "server.on('upgrade', (request, socket, head) => relay.handleUpgrade(request, socket, head)).";

const goingAway: CloseReason = { code: 'node-closed', message: 'the server is going away' };

/** Nobody is there to take an upgrade: 503. */
function refuse(socket: Duplex): void {
  socket.on('error', () => undefined);
  socket.end(`HTTP/1.1 503 ${STATUS_CODES[503]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
    socket.destroy(),
  );
}

/** A server for upgrades alone, which lets nobody hold a socket without finishing a request. */
function createOwnServer(handshakeMsMax: number): Server {
  return createServer(
    {
      // Bounds the head of a request too: its own time limit is never above this one.
      requestTimeout: handshakeMsMax,
      connectionsCheckingInterval: Math.ceil(handshakeMsMax / 2),
    },
    (_request, response) => response.writeHead(426, { Connection: 'close' }).end(STATUS_CODES[426]),
  );
}

/** Resolves when the server is closed, also when it never listened. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    // Upgraded sockets are not among these: they end by their own handshake.
    server.closeAllConnections();
  });
}

function isAllowed(allowOrigin: (origin: string | undefined) => boolean, origin: string | undefined): boolean {
  try {
    // A promise would allow everything.
    return allowOrigin(origin) === true;
  } catch {
    // An origin is whatever a stranger wrote, and a hook may choke on it (E1).
    return false;
  }
}

function peerOf({ headers, socket }: IncomingMessage, trustProxy: boolean): string {
  const { remoteAddress = 'unknown', remotePort = 0 } = socket;
  const forwarded = trustProxy ? forwardedFor(headers['x-forwarded-for']) : undefined;
  const address = forwarded ?? remoteAddress;
  return address.includes(':') ? `[${address}]:${remotePort}` : `${address}:${remotePort}`;
}

/** The last address in the header: those before it are what the peer itself, or a proxy farther away, has said. */
function forwardedFor(header: string | string[] | undefined): string | undefined {
  const last = [header].flat().at(-1)?.split(',').at(-1)?.trim();
  return last !== undefined && isIP(last) !== 0 ? last : undefined;
}
