/**
 * A network in memory: machines by name, WebSockets between them, and everything that happens to those.
 *
 * The real client dials over it and the real connection runs on it; only the socket is made up.
 *
 * - [X1] What is sent one way arrives whole, in order, after the way's delay and at its pace, or not at all.
 * - [X2] Over a way that is blocked nothing passes: frames wait, dialling hangs. The other way may be open.
 * - [X3] A cut loses what is under way, a frame half sent among it, and both sides learn of it, each in its time. A
 *   machine that lost its power tells nobody: its peers learn of it when they next send, or from its silence.
 * - [X4] Tampering breaks [X1] on purpose: frames are lost, doubled, swapped, or changed by a bit.
 */
import type { CloseReason, Connection, ConnectionSource } from '@gossip-log/core';
import {
  type ConnectionBounds,
  openWebSocketConnection,
  type WebSocketConstructor,
  type WebSocketLike,
} from '@gossip-log/transport';
import type { Random } from './random.js';
import { flipBit } from './virtual-disk.js';
import type { VirtualProcess, VirtualTime } from './virtual-time.js';

/** What a network does to a frame although it must not. */
export type Tampering = 'lose' | 'double' | 'swap' | 'flip';

export interface VirtualNetworkOptions {
  /** Shortest and longest time that a frame is under way. Default 1 and 20. */
  readonly delayMsMin?: number;
  readonly delayMsMax?: number;
  /** Bytes per millisecond that pass one way. Default: no bound. */
  readonly bytesPerMs?: number;
  /** Told of every frame that is sent. */
  readonly sent?: (from: string, to: string, data: Uint8Array) => void;
  /** Told when frames under way from one machine to another are lost in a cut. */
  readonly lost?: (from: string, to: string) => void;
  readonly count?: (what: string) => void;
}

type Item =
  /** The handshake's answer, before anything else. */
  | { readonly kind: 'open'; dueMs: number }
  | { readonly kind: 'frame'; readonly data: Uint8Array<ArrayBuffer>; dueMs: number }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string; dueMs: number };

/** What one machine listens with. */
interface Listener {
  readonly process: VirtualProcess;
  accept(socket: VirtualSocket): void;
}

export class VirtualNetwork {
  readonly sockets = new Set<VirtualSocket>();
  /** `from>to` of blocked ways. */
  readonly #blocked = new Set<string>();
  /** `from>to` → what the next frames suffer. */
  readonly #tampering = new Map<string, { readonly kind: Tampering; left: number }>();
  /** Machines that read slowly → bytes per millisecond. */
  readonly #paces = new Map<string, number>();
  readonly #listeners = new Map<string, Listener>();

  constructor(
    /** @internal */
    readonly time: VirtualTime,
    /** @internal */
    readonly random: Random,
    /** @internal */
    readonly options: VirtualNetworkOptions = {},
  ) {}

  /** A `WebSocket` class for one process on one machine; addresses are `ws://machine`. */
  webSocketOf(machine: string, process: VirtualProcess): WebSocketConstructor {
    const network = this;
    return class extends VirtualSocket {
      constructor(url: string) {
        super(network, machine, new URL(url).hostname, process);
        network.#dial(this);
      }
    };
  }

  /** A source that accepts what others dial at `machine`. */
  listen(machine: string, process: VirtualProcess, bounds: ConnectionBounds = {}): ConnectionSource {
    return {
      start: (host) => {
        const connections = new Set<Connection>();
        let allEnded = () => {};
        this.#listeners.set(machine, {
          process,
          accept: (socket) => {
            const connection = openWebSocketConnection(socket, host, {
              ...bounds,
              environment: process.environment,
              peer: `ws://${socket.to}`,
              ended: () => {
                connections.delete(connection);
                if (connections.size === 0) allEnded();
              },
            });
            connections.add(connection);
          },
        });
        host.status({ state: 'open' });
        const stop = async () => {
          this.#stopListening(process);
          const reason: CloseReason = { code: 'node-closed', message: '' };
          await new Promise<void>((resolve) => {
            allEnded = resolve;
            for (const connection of connections) connection.close(reason);
            if (connections.size === 0) resolve();
          });
          host.status({ state: 'stopped', reason });
        };
        let stopping: Promise<void> | undefined;
        return () => {
          stopping ??= stop();
          return stopping;
        };
      },
    };
  }

  /** From now on nothing passes from one machine to the other, until `unblock`. */
  block(from: string, to: string): void {
    this.#blocked.add(way(from, to));
  }

  unblock(from: string, to: string): void {
    this.#blocked.delete(way(from, to));
    for (const socket of this.sockets) if (socket.from === from && socket.to === to) socket.push();
  }

  unblockAll(): void {
    this.#blocked.clear();
    for (const socket of this.sockets) socket.push();
  }

  isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(way(from, to));
  }

  /** A machine takes in so many bytes per millisecond; `undefined` for as many as come. */
  pace(machine: string, bytesPerMs: number | undefined): void {
    if (bytesPerMs === undefined) this.#paces.delete(machine);
    else this.#paces.set(machine, bytesPerMs);
  }

  /** The next `count` frames that way suffer it. */
  tamper(from: string, to: string, kind: Tampering, count: number): void {
    this.#tampering.set(way(from, to), { kind, left: count });
  }

  untamper(): void {
    this.#tampering.clear();
  }

  /** Breaks every connection between two machines. */
  cut(one: string, other: string): void {
    for (const socket of [...this.sockets]) {
      if ((socket.from === one && socket.to === other) || (socket.from === other && socket.to === one)) socket.break();
    }
  }

  cutAll(): void {
    for (const socket of [...this.sockets]) socket.break();
  }

  /** A process is gone. With its power lost, nobody is told. */
  processEnded(process: VirtualProcess, how: 'told' | 'silent'): void {
    this.#stopListening(process);
    for (const socket of [...this.sockets]) if (socket.process === process) socket.abandon(how);
  }

  /** Milliseconds that something sent now is under way. @internal */
  delayMs(): number {
    const { delayMsMin = 1, delayMsMax = 20 } = this.options;
    return this.random.between(delayMsMin, delayMsMax);
  }

  /** Bytes per millisecond of a way. @internal */
  paceOf(to: string): number {
    return Math.min(
      this.options.bytesPerMs ?? Number.POSITIVE_INFINITY,
      this.#paces.get(to) ?? Number.POSITIVE_INFINITY,
    );
  }

  /** What the next frame that way suffers. @internal */
  tamperingOf(from: string, to: string): Tampering | undefined {
    const tampering = this.#tampering.get(way(from, to));
    if (tampering === undefined || tampering.left-- <= 0) return undefined;
    return tampering.kind;
  }

  /** @internal */
  count(what: string): void {
    this.options.count?.(what);
  }

  #stopListening(process: VirtualProcess): void {
    for (const [machine, listener] of this.#listeners)
      if (listener.process === process) this.#listeners.delete(machine);
  }

  #dial(socket: VirtualSocket): void {
    this.sockets.add(socket);
    const arrive = () => {
      if (socket.ended) return;
      if (this.isBlocked(socket.from, socket.to) || this.isBlocked(socket.to, socket.from)) {
        // As a SYN that is sent again: it hangs until the way is free, or the client gives up.
        this.time.after(1_000, arrive);
        return;
      }
      const listener = this.#listeners.get(socket.to);
      if (listener === undefined || !listener.process.alive) {
        this.time.after(this.delayMs(), () => socket.refuse());
        return;
      }
      const accepted = new VirtualSocket(this, socket.to, socket.from, listener.process);
      socket.other = accepted;
      accepted.other = socket;
      this.sockets.add(accepted);
      accepted.greet();
      listener.accept(accepted);
    };
    this.time.after(this.delayMs(), arrive);
  }
}

/** One end of a WebSocket. */
export class VirtualSocket implements WebSocketLike {
  binaryType = 'arraybuffer';
  onopen: ((event: never) => unknown) | null = null;
  onmessage: ((event: never) => unknown) | null = null;
  onerror: ((event: never) => unknown) | null = null;
  onclose: ((event: never) => unknown) | null = null;
  /** The end at the other machine. @internal */
  other: VirtualSocket | undefined;
  /** Nothing reaches the handlers any more. */
  ended = false;
  /** This side has sent its close. */
  #closing = false;
  #waiting: Item[] = [];
  #bufferedBytes = 0;
  #lastDueMs = 0;
  #pushing = false;

  constructor(
    readonly network: VirtualNetwork,
    readonly from: string,
    readonly to: string,
    readonly process: VirtualProcess,
  ) {}

  get bufferedAmount(): number {
    return this.#bufferedBytes;
  }

  send(data: Uint8Array): void {
    if (this.#closing || this.ended) return;
    const copy = new Uint8Array(data);
    this.network.options.sent?.(this.from, this.to, data);
    // What a peer says of itself is believed: changed, it would lie. Nobody can tell.
    const tampering = believed.has(data[1] ?? 255) ? undefined : this.network.tamperingOf(this.from, this.to);
    if (tampering !== undefined) this.network.count(`frame tampered with: ${tampering}`);
    if (tampering === 'lose') return;
    if (tampering === 'flip') flipBit(copy, this.network.random);
    this.#enqueue({ kind: 'frame', data: copy, dueMs: 0 }, copy.length);
    if (tampering === 'double') this.#enqueue({ kind: 'frame', data: copy.slice(), dueMs: 0 }, copy.length);
    const [last, before] = [this.#waiting.at(-1), this.#waiting.at(-2)];
    // A frame before the one that opens its log would be lost, not late.
    if (tampering === 'swap' && last?.kind === 'frame' && before?.kind === 'frame' && last.data[1] === before.data[1]) {
      this.#waiting.splice(-2, 2, last, before);
    }
  }

  close(code = 1005, reason = ''): void {
    if (this.#closing || this.ended) return;
    this.#closing = true;
    if (this.other === undefined) {
      // It was not open yet: the try is given up.
      this.network.time.after(0, () => this.#end(1006, ''));
      return;
    }
    this.#enqueue({ kind: 'close', code, reason, dueMs: 0 }, 0);
  }

  terminate(): void {
    this.abandon('told');
  }

  /** Answers the handshake. @internal */
  greet(): void {
    this.#enqueue({ kind: 'open', dueMs: 0 }, 0);
  }

  /** Nobody listens. @internal */
  refuse(): void {
    this.#end(1006, '');
  }

  /** The way between both ends breaks. @internal */
  break(): void {
    if (this.ended) return;
    const { other } = this;
    for (const end of [this, other]) {
      if (end === undefined || end.ended) continue;
      if (end.#waiting.some((item) => item.kind === 'frame')) {
        this.network.count('frame lost in a cut');
        this.network.options.lost?.(end.from, end.to);
      }
      end.#waiting = [];
      end.#closing = true;
      this.network.time.after(this.network.delayMs(), () => end.#end(1006, ''));
    }
  }

  /** This end is gone without a goodbye. @internal */
  abandon(how: 'told' | 'silent'): void {
    if (this.ended) return;
    this.ended = true;
    this.network.sockets.delete(this);
    this.#waiting = [];
    if (how === 'told') this.#tellGone();
  }

  /** Delivers what is due. @internal */
  push(): void {
    if (this.#pushing || this.#waiting.length === 0) return;
    const { network } = this;
    const next = this.#waiting[0] as Item;
    if (network.isBlocked(this.from, this.to)) {
      network.count('frame held up by a partition');
      return;
    }
    this.#pushing = true;
    network.time.after(next.dueMs - network.time.nowMs, () => {
      this.#pushing = false;
      if (network.isBlocked(this.from, this.to)) return;
      const item = this.#waiting.shift();
      if (item !== undefined) this.#arrive(item);
      this.push();
    });
  }

  #enqueue(item: Item, bytes: number): void {
    const { network } = this;
    const takesMs = bytes / network.paceOf(this.to);
    this.#lastDueMs = Math.max(this.#lastDueMs, network.time.nowMs + network.delayMs()) + takesMs;
    item.dueMs = this.#lastDueMs;
    this.#bufferedBytes += bytes;
    this.#waiting.push(item);
    this.push();
  }

  #arrive(item: Item): void {
    const { other } = this;
    if (item.kind === 'frame') this.#bufferedBytes -= item.data.length;
    if (other === undefined) return;
    if (other.ended) {
      // Nobody is there any more; the answer says so.
      if (item.kind === 'frame') other.#tellGone();
      return;
    }
    if (!other.process.alive) return;
    if (item.kind === 'open') (other.onopen as (() => void) | null)?.();
    else if (item.kind === 'frame') (other.onmessage as ((event: object) => void) | null)?.({ data: item.data.buffer });
    else other.#peerCloses(item.code, item.reason);
  }

  /** The goodbye is answered, then both are closed. */
  #peerCloses(code: number, reason: string): void {
    this.#waiting = [];
    const { other } = this;
    this.network.time.after(this.network.delayMs(), () => {
      if (other !== undefined) other.#end(code, reason);
    });
    this.#end(code, reason);
  }

  #tellGone(): void {
    const { other, network } = this;
    if (other === undefined || other.ended) return;
    const tell = () => {
      if (network.isBlocked(this.from, this.to)) network.time.after(1_000, tell);
      else other.#end(1006, '');
    };
    network.time.after(network.delayMs(), tell);
  }

  #end(code: number, reason: string): void {
    if (this.ended) return;
    this.ended = true;
    this.network.sockets.delete(this);
    this.#waiting = [];
    this.#bufferedBytes = 0;
    if (this.process.alive) (this.onclose as ((event: object) => void) | null)?.({ code, reason });
  }
}

/** The second byte of a frame is its kind: `hello` and `open`. */
const believed: ReadonlySet<number> = new Set([0, 1]);

function way(from: string, to: string): string {
  return `${from}>${to}`;
}
