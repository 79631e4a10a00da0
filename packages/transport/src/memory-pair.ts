/**
 * Two sources of connections, joined in memory: for several nodes in one process, and for tests.
 *
 * Whatever a side is told goes through `deliver`, in order. By default that is a microtask; a test hands in its own
 * and decides when something arrives, on either side.
 */
import {
  type CloseReason,
  type Connection,
  type ConnectionHandlers,
  type ConnectionHost,
  type ConnectionSource,
  checkOptions,
} from '@gossip-log/core';
import { boundsOf, type ConnectionBounds, connectionBounds } from './web-socket-connection.js';

export interface MemoryPairOptions extends ConnectionBounds {
  /** Runs each task once, later; those that go to one side in the order given. Default: in a microtask. */
  readonly deliver?: (task: () => void, to: 'left' | 'right') => void;
}

/** Two joined sources, and a hand on the wire between them. */
export interface MemoryPair {
  readonly left: ConnectionSource;
  readonly right: ConnectionSource;
  /** Breaks the connection: both sides end with `connection-lost`, and frames on their way are lost. */
  cut(): void;
  /** Connects again, which nothing else does. No effect while a connection stands or a side is stopped. */
  reconnect(): void;
}

/** One side's end of a connection, from `connected` to `closed`. */
interface End {
  /** `closed` is on its way: nothing is sent from here or delivered to here any more. */
  ending: boolean;
  bufferedBytes: number;
  handlers?: ConnectionHandlers;
}

interface Side {
  readonly name: 'left' | 'right';
  host?: ConnectionHost;
  end?: End | undefined;
  connection?: Connection;
  stopped: boolean;
  /** Called when `closed` has been, after `stopped` was set. */
  ended(): void;
}

const lost: CloseReason = { code: 'connection-lost', message: 'the connection was cut' };
const stopped: CloseReason = { code: 'normal', message: 'the source was stopped' };

/**
 * Joins two nodes in memory. They connect once both sources are started, and again when told to: until then a side
 * says `waiting`, with `retryAt` infinite.
 *
 * @example
 * ```ts
 * import { memoryPair } from '@gossip-log/transport';
 *
 * const held: (() => void)[] = [];
 * const { left, right } = memoryPair({ deliver: (task) => held.push(task) });
 * // Start one node on `left` and one on `right`; `held.shift()?.()` lets the next thing arrive.
 * ```
 */
export function memoryPair(options: MemoryPairOptions = {}): MemoryPair {
  checkOptions('memoryPair', options, { deliver: 'function', ...connectionBounds });
  const { deliver = (task) => void Promise.resolve().then(task) } = options;
  const { frameBytesMax, socketBufferBytesMax } = boundsOf(options);
  const left: Side = { name: 'left', stopped: false, ended() {} };
  const right: Side = { name: 'right', stopped: false, ended() {} };

  /** The next connection is asked for: it is made as soon as both sides are free. */
  let wanted = true;

  const connect = () => {
    if (!wanted) return;
    for (const { host, end, stopped } of [left, right]) {
      if (host === undefined || end !== undefined || stopped) return;
    }
    wanted = false;
    const leftEnd = { ending: false, bufferedBytes: 0 };
    const rightEnd = { ending: false, bufferedBytes: 0 };
    open(left, leftEnd, right, rightEnd);
    open(right, rightEnd, left, leftEnd);
  };

  const open = (side: Side, end: End, other: Side, otherEnd: End) => {
    const connection: Connection = {
      peer: `memory:${other.name}`,
      get bufferedBytes() {
        return end.bufferedBytes;
      },
      send(frame) {
        if (end.ending) return;
        if (frame.length > frameBytesMax) {
          return connection.close({
            code: 'frame-too-large',
            message: `a frame of ${frame.length} bytes, at most ${frameBytesMax}`,
          });
        }
        // The receiver may write into what it gets, and the sender may have sent the same bytes to others.
        const copy = frame.slice();
        end.bufferedBytes += copy.length;
        deliver(() => {
          end.bufferedBytes -= copy.length;
          if (!otherEnd.ending) otherEnd.handlers?.frame(copy);
        }, other.name);
        if (end.bufferedBytes > socketBufferBytesMax) {
          connection.close({
            code: 'slow-reader',
            message: `${end.bufferedBytes} bytes wait, at most ${socketBufferBytesMax}`,
          });
        }
      },
      close(reason) {
        if (end.ending) return;
        end.ending = true;
        deliver(() => tell(side, end, reason), side.name);
        deliver(() => {
          if (otherEnd.ending) return;
          otherEnd.ending = true;
          tell(other, otherEnd, reason);
        }, other.name);
      },
    };
    side.end = end;
    side.connection = connection;
    end.handlers = (side.host as ConnectionHost).connected(connection);
    side.host?.status({ state: 'open' });
  };

  const tell = (side: Side, end: End, reason: CloseReason) => {
    side.end = undefined;
    end.handlers?.closed(reason);
    if (side.stopped) return side.ended();
    side.host?.status({ state: 'waiting', retryAt: Number.POSITIVE_INFINITY, reason });
    connect();
  };

  const stop = async (side: Side) => {
    side.stopped = true;
    if (side.end !== undefined) {
      await new Promise<void>((resolve) => {
        side.ended = resolve;
        side.connection?.close(stopped);
      });
    }
    side.host?.status({ state: 'stopped', reason: stopped });
  };

  const source = (side: Side): ConnectionSource => ({
    dials: true,
    start(host) {
      let stopping: Promise<void> | undefined;
      side.host = host;
      host.status({ state: 'connecting' });
      deliver(connect, side.name);
      return () => {
        stopping ??= stop(side);
        return stopping;
      };
    },
  });

  return {
    left: source(left),
    right: source(right),
    cut() {
      for (const side of [left, right]) {
        const { end } = side;
        if (end === undefined || end.ending) continue;
        end.ending = true;
        deliver(() => tell(side, end, lost), side.name);
      }
    },
    reconnect() {
      wanted = left.end === undefined || left.end.ending || right.end === undefined || right.end.ending;
      deliver(connect, 'left');
    },
  };
}
