/** A WebSocket that a test opens, closes and fills by hand. */
import type { WebSocketLike } from '../src/web-socket-connection.js';

export class FakeWebSocket implements WebSocketLike {
  binaryType = 'blob';
  bufferedAmount = 0;
  onopen: ((event: never) => unknown) | null = null;
  onmessage: ((event: never) => unknown) | null = null;
  onerror: ((event: never) => unknown) | null = null;
  onclose: ((event: never) => unknown) | null = null;
  readonly sent: Uint8Array[] = [];
  /** The arguments of every `close`. */
  readonly closes: (readonly [number | undefined, string | undefined])[] = [];

  constructor(
    readonly url: string,
    readonly protocols: readonly string[],
    readonly options: unknown,
  ) {}

  send(data: Uint8Array): void {
    this.sent.push(data);
  }

  close(code?: number, reason?: string): void {
    this.closes.push([code, reason]);
  }

  /** Calls the handler of `type`, as the platform does. */
  fire(type: 'open' | 'message' | 'error' | 'close', event: object = {}): void {
    (this[`on${type}`] as ((event: object) => unknown) | null)?.(event);
  }
}
