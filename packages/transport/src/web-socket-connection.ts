/**
 * An open WebSocket as a connection: the rules N1 to N7, once, for client and server.
 *
 * ```
 *   open ──end(reason)──► ending ──socket closed, or closeMsMax──► ended
 *     └────────────────socket closed────────────────────────────────▲
 * ```
 *
 * From `ending` on nothing is sent and nothing is delivered. `closed` is called at `ended`, with this side's reason
 * where it had one.
 */
import {
  type CloseReason,
  type Connection,
  type ConnectionHost,
  checkOptions,
  type Environment,
  limits,
} from '@gossip-log/core';
import { closeCodes, closeReason, closeText } from './close-codes.js';

/**
 * What is used of a WebSocket: the platform's, and `ws` on Node, are both of this shape.
 *
 * `never` in the handlers' parameters lets every platform's own event types pass.
 */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  onopen: ((event: never) => unknown) | null;
  onmessage: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
  /** Ends the socket without a handshake. Only `ws` has it. */
  terminate?(): void;
  /** Reads no more until `resume`. Only `ws` has the two. */
  pause?(): void;
  resume?(): void;
}

/** Bounds of one connection. Both sides should agree on `frameBytesMax`. */
export interface ConnectionBounds {
  /** Longest frame, either way, in bytes. Default: `limits.frameBytesMax`. */
  readonly frameBytesMax?: number;
  /** Bytes that may wait to be sent before the peer counts as a slow reader. Default: `limits.socketBufferBytesMax`. */
  readonly socketBufferBytesMax?: number;
}

/** Their kinds, for `checkOptions`. @internal */
export const connectionBounds = { frameBytesMax: 'number', socketBufferBytesMax: 'number' } as const;

/** Both, as given or by default. @internal */
export function boundsOf({
  frameBytesMax = limits.frameBytesMax,
  socketBufferBytesMax = limits.socketBufferBytesMax,
}: ConnectionBounds): Required<ConnectionBounds> {
  return { frameBytesMax, socketBufferBytesMax };
}

/** What an open WebSocket needs to become a connection. */
export interface WebSocketConnectionOptions extends ConnectionBounds {
  /** Where it leads, for logs and errors: an address without secrets. */
  readonly peer: string;
  readonly environment: Environment;
  /** Called after the handlers' `closed`: the socket is gone. */
  readonly ended: (reason: CloseReason) => void;
}

/**
 * Takes over an open WebSocket and announces it to `host`: the accepting side on whatever server there is. On Node,
 * `webSocketServer` does this for you.
 */
export function openWebSocketConnection(
  socket: WebSocketLike,
  host: ConnectionHost,
  options: WebSocketConnectionOptions,
): Connection {
  const kinds = { peer: 'string', environment: 'object', ended: 'function', ...connectionBounds } as const;
  checkOptions('openWebSocketConnection', options, kinds);
  const { peer, environment } = options;
  const { frameBytesMax, socketBufferBytesMax } = boundsOf(options);
  let ending: CloseReason | undefined;
  let ended = false;
  let cancelTimer = () => {};

  const finish = (reason: CloseReason) => {
    if (ended) return;
    ended = true;
    ending ??= reason;
    cancelTimer();
    handlers.closed(ending);
    options.ended(ending);
  };

  const end = (reason: CloseReason) => {
    if (ending !== undefined) return;
    ending = reason;
    socket.resume?.();
    socket.close(closeCodes[reason.code].closeCode, closeText(reason.message));
    const drop = () => {
      socket.terminate?.();
      finish(reason);
    };
    // Nobody is there to answer a lost connection's goodbye, so it is not waited for.
    if (reason.code === 'connection-lost') queueMicrotask(drop);
    else cancelTimer = environment.setTimer(limits.closeMsMax, drop);
  };

  const connection: Connection = {
    peer,
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send(frame) {
      if (ending !== undefined) return;
      if (frame.length > frameBytesMax) return end(tooLarge(frame.length, frameBytesMax));
      socket.send(frame);
      if (socket.bufferedAmount > socketBufferBytesMax) {
        end({ code: 'slow-reader', message: `${socket.bufferedAmount} bytes wait, at most ${socketBufferBytesMax}` });
      }
    },
    close: end,
    // A socket that is closing has to be read, or its end would not show.
    ...(socket.pause && { pause: () => ending === undefined && socket.pause?.() }),
    ...(socket.resume && { resume: () => socket.resume?.() }),
  };

  socket.binaryType = 'arraybuffer';
  socket.onmessage = ({ data }: { data: unknown }) => {
    if (ending !== undefined) return;
    if (!isArrayBuffer(data)) return end({ code: 'frame-invalid', message: 'a text frame; frames are binary' });
    if (data.byteLength > frameBytesMax) return end(tooLarge(data.byteLength, frameBytesMax));
    handlers.frame(new Uint8Array(data));
  };
  // `ws` tells what it refused by an error, then closes with 1006; browsers tell nothing, and then close. Some
  // versions of Node's own WebSocket do not close after an error, so an error ends the connection in any case.
  socket.onerror = (event: { readonly error?: unknown; readonly message?: unknown }) => end(refusal(event));
  socket.onclose = ({ code, reason }: { readonly code: number; readonly reason: string }) =>
    finish(closeReason(code, reason));

  const handlers = host.connected(connection);
  return connection;
}

/** A socket that was handed in may make those of another realm: `ws` does under jsdom. */
function isArrayBuffer(data: unknown): data is ArrayBuffer {
  return Object.prototype.toString.call(data) === '[object ArrayBuffer]';
}

function tooLarge(bytes: number, bytesMax: number): CloseReason {
  return { code: 'frame-too-large', message: `a frame of ${bytes} bytes, at most ${bytesMax}` };
}

/** What a socket's error says: `ws` names the reasons for which it refuses a frame. */
function refusal(event: { readonly error?: unknown; readonly message?: unknown }): CloseReason {
  const message = errorMessage(event) ?? 'the connection broke';
  const code = event.error instanceof Error && 'code' in event.error ? String(event.error.code) : '';
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return { code: 'frame-too-large', message };
  if (code.startsWith('WS_ERR_')) return { code: 'frame-invalid', message };
  return { code: 'connection-lost', message };
}

/**
 * The text of an `error` event, where the platform gives one.
 *
 * @internal
 */
export function errorMessage(event: { readonly message?: unknown }): string | undefined {
  return typeof event.message === 'string' && event.message !== '' ? event.message : undefined;
}
