/**
 * A source of connections that dials one WebSocket server, and dials again.
 *
 * ```
 *             ┌──────────────────────── pause over, `online` ─────────────────────────┐
 *             ▼                                                                       │
 *   start ─► connecting ──failed, connectMsMax──► by the close code: soon, later ─► waiting
 *             │   ▲ └──open──► open ──ended─────►                    never ───────► stopped
 *             │   └───────────────────────────────── `online` ─────────────────────────┘
 *             └── stop, from every state ──► stopped for good
 * ```
 *
 * - [W1] There is one socket at a time: the next is made when the last has ended.
 * - [W2] After a connection ended, the table in `close-codes.ts` says whether to dial again, `back-off.ts` when.
 * - [W3] `online` dials at once and starts the pauses from the beginning, also where a close code had said `never`:
 *   the network, and with it the peer, may be another one. While the platform is offline, pauses are long; they are
 *   not endless, because a server on the same machine can be reached all the same.
 * - [W4] A try ends after `connectMsMax`, with whatever it hangs on.
 * - [W6] `online`, `offline`, a page that becomes visible, and `reconnect` put an open connection in doubt: its owner asks
 *   the peer for a sign of life, and ends it after seconds without one. A page that becomes visible also dials where it
 *   waits: the timers of a hidden page are late.
 * - [W5] After `stop` nothing is made, and nothing is told but the end of what was open.
 */
import {
  type CloseReason,
  type Connection,
  type ConnectionHandlers,
  type ConnectionSource,
  checkOptions,
  type Environment,
  limits,
} from '@gossip-log/core';
import { nextTry } from './back-off.js';
import { closeCodes } from './close-codes.js';
import { isRenderingServer } from './rendering-server.js';
import { systemEnvironment } from './system-environment.js';
import {
  boundsOf,
  type ConnectionBounds,
  connectionBounds,
  errorMessage,
  openWebSocketConnection,
  type WebSocketLike,
} from './web-socket-connection.js';

/** The platform's `WebSocket` class, or that of `ws`, which alone reads `options`. */
export type WebSocketConstructor = new (
  url: string,
  protocols: string[],
  options: { readonly maxPayload: number; readonly perMessageDeflate: false },
) => WebSocketLike;

/** Something that fires `online` and `offline`, and `visibilitychange` or `pageshow` where there is a page: a window or a worker. */
export interface NetworkEvents {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

export interface WebSocketClientOptions extends ConnectionBounds {
  /** Where to dial: `ws:` or `wss:`. A function is asked again for every try, so that hosts and tokens may change. */
  readonly url: string | URL | (() => string | URL | Promise<string | URL>);
  /** Subprotocols to offer. Default: none. */
  readonly protocols?: readonly string[];
  /**
   * Default: the platform's, in browsers and their like. A program on Node passes one, that of the package `ws` or, from
   * Node 22 on, `globalThis.WebSocket`: it says that this is a peer, and not a server that renders the pages of one. Without
   * it nothing is dialled there, and the node says so.
   */
  readonly WebSocket?: WebSocketConstructor;
  /** Where `online`, `offline`, `visibilitychange` and `pageshow` come from. Default: the global object, where it has events. */
  readonly network?: NetworkEvents;
  /** Time, randomness and timers. Default: the platform's. */
  readonly environment?: Environment;
}

/**
 * Dials a WebSocket server and holds one connection to it for as long as the node lives.
 *
 * It reconnects by itself: with exponential back-off and full jitter, at once when the platform says `online` or the page
 * becomes visible, and not at all after a code that would come again (`version-unsupported`, `forbidden`,
 * `descriptor-mismatch`). At those moments an open connection is probed as well: one that is dead is closed after
 * `limits.probeMsMax`. At other times the session notices after `limits.silenceMsMax`.
 *
 * @throws TypeError when `url` is no `ws:` or `wss:` address, or when there is no WebSocket class in a page or the like.
 * @example
 * ```ts
 * import { webSocketClient } from '@gossip-log/transport';
 * import { WebSocket } from 'ws'; // on Node; browsers have their own
 *
 * const source = webSocketClient({ url: 'ws://localhost:4400/sync', WebSocket });
 * ```
 */
export function webSocketClient(options: WebSocketClientOptions): ConnectionSource {
  checkOptions('webSocketClient', options, {
    ...{ url: 'any', protocols: 'array', WebSocket: 'any', network: 'object', environment: 'object' },
    ...connectionBounds,
  });
  const { url, environment = systemEnvironment, network = platformNetwork() } = options;
  const Socket = options.WebSocket ?? (globalThis.WebSocket as WebSocketConstructor | undefined);
  const needsPage = options.WebSocket === undefined;
  if (Socket === undefined) {
    if (!isRenderingServer()) throw noSocketClass();
  } else if (typeof Socket !== 'function') {
    throw new TypeError(`WebSocket: expected a class, got ${typeof Socket}`);
  }
  // A server that renders pages has no page from which a relative address counts, and dials none.
  const page = needsPage && isRenderingServer() ? 'ws://page.invalid' : globalThis.location?.href;
  if (typeof url !== 'function') parseAddress(url, page);

  let dialNow = () => {};

  return {
    dials: true,
    needsPage,
    reconnect: () => dialNow(),

    start(host) {
      if (Socket === undefined) throw noSocketClass();
      let pauses = 0;
      let offline = false;
      let stopped = false;
      /** Ends what is under way: a pause, a try, a connection. */
      let halt = () => {};
      let socketInUse = false;
      let waiting = false;
      /** Who hears from the open connection. */
      let open: ConnectionHandlers | undefined;
      let allEnded = () => {};

      const dial = () => {
        socketInUse = true;
        waiting = false;
        host.status({ state: 'connecting' });
        halt = openSocket(Socket, options, environment, (outcome) => {
          if ('reason' in outcome) return ended(outcome.reason, 0);
          const openedAt = environment.elapsed();
          const connected = (connection: Connection) => {
            open = host.connected(connection);
            return open;
          };
          const connection = openWebSocketConnection(
            outcome.socket,
            { connected, status: (status) => host.status(status) },
            {
              ...boundsOf(options),
              environment,
              peer: outcome.peer,
              ended: (reason) => ended(reason, environment.elapsed() - openedAt),
            },
          );
          halt = () => connection.close({ code: 'normal', message: 'the client was stopped' });
          host.status({ state: 'open' });
        });
      };

      const ended = (reason: CloseReason, lastedMs: number) => {
        socketInUse = false;
        open = undefined;
        halt = () => {};
        if (stopped) return allEnded();
        const { pace } = closeCodes[reason.code];
        if (pace === 'never') return host.status({ state: 'stopped', reason });
        const next = nextTry({ pauses, lastedMs, pace: offline ? 'later' : pace, random: random(environment) });
        pauses = next.pauses;
        halt = environment.setTimer(next.pauseMs, dial);
        waiting = true;
        host.status({ state: 'waiting', retryAt: environment.now() + next.pauseMs, reason });
      };

      const redial = () => {
        open?.doubted?.();
        if (socketInUse) return;
        halt();
        dial();
      };
      const onOnline = () => {
        offline = false;
        pauses = 0;
        redial();
      };
      const onOffline = () => {
        offline = true;
        open?.doubted?.();
      };
      const onShown = () => {
        if (globalThis.document?.visibilityState === 'hidden') return;
        if (waiting || open !== undefined) redial();
      };
      const listeners = Object.entries({
        ...{ online: onOnline, offline: onOffline },
        ...{ visibilitychange: onShown, pageshow: onShown },
      });

      dialNow = onOnline;
      for (const [type, listener] of listeners) network?.addEventListener(type, listener);
      dial();

      const stop = async () => {
        stopped = true;
        dialNow = () => {};
        for (const [type, listener] of listeners) network?.removeEventListener(type, listener);
        await new Promise<void>((resolve) => {
          allEnded = resolve;
          halt();
          if (!socketInUse) resolve();
        });
        host.status({ state: 'stopped', reason: { code: 'normal', message: 'the client was stopped' } });
      };
      let stopping: Promise<void> | undefined;
      return () => {
        stopping ??= stop();
        return stopping;
      };
    },
  };
}

function noSocketClass(): TypeError {
  return new TypeError("WebSocket: this runtime has none of its own; pass the class of the package 'ws'");
}

type Outcome = { readonly socket: WebSocketLike; readonly peer: string } | { readonly reason: CloseReason };

/** One try. Reports one outcome, never from inside this call; the function returned ends the try at once. */
function openSocket(
  Socket: WebSocketConstructor,
  options: WebSocketClientOptions,
  environment: Environment,
  report: (outcome: Outcome) => void,
): () => void {
  const { url, protocols = [] } = options;
  let socket: WebSocketLike | undefined;
  let done = false;

  const finish = (outcome: Outcome) => {
    if (done) return;
    done = true;
    cancelTimer();
    report(outcome);
  };
  const fail = (message: string) => {
    if (done) return;
    // A socket given up while it connects still fires `error` and `close`. Both find the try done.
    socket?.close();
    finish({ reason: { code: 'connection-lost', message } });
  };
  const cancelTimer = environment.setTimer(limits.connectMsMax, () =>
    fail(`no connection within ${limits.connectMsMax} ms`),
  );

  const connect = async () => {
    const address = typeof url === 'function' ? await url() : url;
    const { href, peer } = parseAddress(address);
    if (done) return;
    // Browsers do not know the third argument. `ws` reads from it what bounds its memory.
    socket = new Socket(href, [...protocols], {
      maxPayload: boundsOf(options).frameBytesMax,
      perMessageDeflate: false,
    });
    const opened = socket;
    socket.onopen = () => finish({ socket: opened, peer });
    socket.onerror = (event: { readonly message?: unknown }) => fail(errorMessage(event) ?? `no connection to ${peer}`);
    socket.onclose = () => fail(`no connection to ${peer}`);
  };
  connect().catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)));

  return () => fail('given up');
}

/** Checks an address; relative ones count from the page. Shows nothing of it in errors but its scheme: tokens. */
function parseAddress(
  address: string | URL,
  page: string | undefined = globalThis.location?.href,
): { readonly href: string; readonly peer: string } {
  // Anything else would become a relative address: of the page's own server.
  if (typeof address !== 'string' && typeof address?.href !== 'string') {
    throw new TypeError(
      `url: expected a ws: or wss: address, a URL or a function that gives one, got ${typeof address}`,
    );
  }
  let href: string;
  try {
    // `canParse` is younger than many browsers. React Native's URL has none of the usual properties but this one.
    ({ href } = new URL(address, page));
  } catch {
    throw new TypeError('url: expected a ws: or wss: address, got none; a relative one counts from a page');
  }
  const [, scheme = '', secure = '', host = ''] = /^(ws|http)(s?):\/\/(?:[^/?#]*@)?([^/?#]+)/.exec(href) ?? [];
  if (scheme === '') throw new TypeError(`url: expected a ws: or wss: address, got ${/^[^:]*:/.exec(href)?.[0]}`);
  // Of browsers, only newer ones take http: or https:, an address without a scheme, or a fragment, which `ws` refuses too.
  return { href: href.replace(/^http/, 'ws').replace(/#.*$/, ''), peer: `ws${secure}://${host}` };
}

/** From [0, 1). */
function random(environment: Environment): number {
  const [a = 0, b = 0, c = 0] = environment.randomBytes(3);
  return ((a << 16) | (b << 8) | c) / 2 ** 24;
}

function platformNetwork(): NetworkEvents | undefined {
  return typeof globalThis.addEventListener === 'function' ? globalThis : undefined;
}
