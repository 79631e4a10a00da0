/**
 * A peer made of bytes. It writes WebSocket frames by hand over TCP, so that an attack decides about each of them: how a
 * message is cut, what is never finished, what is not read. Nothing here waits for the relay unless an attack says so.
 */
import { createConnection, type Socket } from 'node:net';
import { limits, type WriterId, writerIdFromBytes } from '@gossip-log/core';
import { decodeMessage, encodeMessage, type Message } from '../../packages/core/src/codec/message.js';
import type { LogEdges } from '../../packages/core/src/edges.js';
import type { Range } from '../../packages/core/src/range.js';

export type ReceivedMessage = ReturnType<typeof decodeMessage>;

/** What peers were told, by kind and code: `error early`, `close protocol`, `socket 1009`, `http 503`. Counts. */
export type Told = Map<string, number>;

export interface RawPeerOptions {
  readonly url: string;
  /** The address that the peer dials from. */
  readonly from?: string;
  readonly told?: Told;
  /** Called with every byte count that goes out. */
  readonly sent?: (bytes: number) => void;
}

const opcodes = { more: 0, binary: 2, close: 8, ping: 9 } as const;

export const newWriter = (): WriterId => writerIdFromBytes(crypto.getRandomValues(new Uint8Array(16)));

/** One WebSocket frame of a client. Its mask is 0, so that the payload stays as it is. */
export function socketFrame(payload: Uint8Array, opcode: keyof typeof opcodes = 'binary', isLast = true): Buffer {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.alloc(2 + extra + 4 + length);
  frame[0] = (isLast ? 0x80 : 0) | opcodes[opcode];
  frame[1] = 0x80 | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) frame.writeUInt16BE(length, 2);
  if (extra === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(payload, 2 + extra + 4);
  return frame;
}

/** The same bytes as often as they fit into about `bytes`: what a flood writes at once. */
export function repeated(frame: Uint8Array, bytes = 64 * 1024): Buffer {
  return Buffer.concat(Array.from({ length: Math.max(1, Math.floor(bytes / frame.length)) }, () => frame));
}

export class RawPeer {
  readonly socket: Socket;
  readonly #options: RawPeerOptions;
  readonly #watchers = new Set<() => void>();
  readonly #numbers = new Map<string, number>();
  #input: Buffer = Buffer.alloc(0);
  #isUpgraded = false;
  #isGone = false;
  #nextChannel = 1;
  #nextComparison = 1;
  /** Bytes of events that the relay has granted. */
  #credit: number = limits.creditBytesMax;
  /** The last messages of each kind, oldest first. */
  readonly #received: ReceivedMessage[] = [];

  constructor(options: RawPeerOptions) {
    const { hostname, port } = new URL(options.url);
    this.#options = options;
    this.socket = createConnection({
      ...{ host: hostname, port: Number(port), noDelay: true },
      ...(options.from === undefined ? {} : { localAddress: options.from }),
    });
    this.socket.on('data', (bytes) => this.#read(bytes));
    this.socket.on('error', (error: NodeJS.ErrnoException) => this.#tell(`tcp ${error.code}`));
    this.socket.on('close', () => {
      this.#isGone = true;
      this.#look();
    });
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Asks for a WebSocket. False: the relay refused. */
  async upgrade(): Promise<boolean> {
    this.write(Buffer.from(this.upgradeHead));
    await this.until(() => this.#isUpgraded);
    return this.#isUpgraded;
  }

  get upgradeHead(): string {
    const { host, pathname } = new URL(this.#options.url);
    const lines = [
      `GET ${pathname} HTTP/1.1`,
      ...[`Host: ${host}`, 'Upgrade: websocket', 'Connection: Upgrade'],
      ...['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
    ];
    return `${lines.join('\r\n')}\r\n\r\n`;
  }

  hello({ durable = false, now = Date.now() } = {}): void {
    this.send({ kind: 'hello', node: newWriter(), name: 'by hand', durable, now });
  }

  /** Opens a log. The number that the relay gives it comes with its answer: see `numberOf`. */
  open(log: string, { ranges = [{ kind: 'runs', runs: [] }], ...options }: OpenOptions = {}): number {
    const channel = options.channel ?? this.#nextChannel++;
    const { edges, token } = options;
    const descriptor = { id: log, policy: 'unsigned', codec: 'json' } as const;
    const turn = { comparison: this.#nextComparison++, ranges };
    this.send({ kind: 'open', channel, descriptor, token, turn, ...(edges === undefined ? {} : { edges }) });
    return channel;
  }

  /** The relay's number for a log, once it has answered; `undefined` when it never does. */
  async numberOf(log: string): Promise<number | undefined> {
    await this.until(() => this.#numbers.has(log));
    return this.#numbers.get(log);
  }

  /** Opens a log, and waits for the relay's number of it. */
  join(log: string, options: OpenOptions = {}): Promise<number | undefined> {
    this.open(log, options);
    return this.numberOf(log);
  }

  send(message: Message): void {
    this.sendBytes(encodeMessage(message));
  }

  sendBytes(bytes: Uint8Array): void {
    this.write(socketFrame(bytes));
  }

  write(bytes: Uint8Array): void {
    if (this.#isGone || this.socket.destroyed) return;
    this.#options.sent?.(bytes.length);
    this.socket.write(bytes);
  }

  /** Resolves once what was written has left this process, or the relay has hung up. */
  async drained(): Promise<void> {
    if (!this.socket.writableNeedDrain) {
      await new Promise((resolve) => setImmediate(resolve));
      return;
    }
    await new Promise<void>((resolve) => {
      const done = () => {
        this.socket.off('drain', done);
        this.#watchers.delete(look);
        resolve();
      };
      const look = () => {
        if (this.#isGone) done();
      };
      this.socket.on('drain', done);
      this.#watchers.add(look);
      look();
    });
  }

  /** Sends blocks, once the relay has granted the bytes for them. */
  async sendEvents(channel: number, blocks: readonly Uint8Array[]): Promise<void> {
    const bytes = encodeMessage({ kind: 'events', channel, blocks });
    await this.until(() => this.#credit > 0);
    this.#credit -= bytes.length;
    this.sendBytes(bytes);
    await this.drained();
  }

  /** The first message of a kind that comes, or came; `undefined` when none does before the relay hangs up. */
  async message<Kind extends ReceivedMessage['kind']>(
    kind: Kind,
  ): Promise<Extract<ReceivedMessage, { kind: Kind }> | undefined> {
    const find = () => this.#received.find((message) => message.kind === kind);
    await this.until(() => find() !== undefined);
    return find() as Extract<ReceivedMessage, { kind: Kind }> | undefined;
  }

  /** Resolves once something holds, or the relay has hung up. */
  async until(condition: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = () => {
        if (!condition() && !this.#isGone) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Reads nothing more: what the relay sends stays in its sockets. */
  stopReading(): void {
    this.socket.pause();
  }

  end(): void {
    this.socket.destroy();
  }

  #look(): void {
    for (const look of [...this.#watchers]) look();
  }

  #tell(what: string): void {
    const { told } = this.#options;
    told?.set(what, (told.get(what) ?? 0) + 1);
  }

  #read(bytes: Buffer): void {
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
    if (!this.#isUpgraded && !this.#readHead()) return;
    for (let frame = this.#takeFrame(); frame !== undefined; frame = this.#takeFrame()) this.#take(frame);
    this.#look();
  }

  #readHead(): boolean {
    const end = this.#input.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const status = this.#input.subarray(9, 12).toString();
    this.#input = this.#input.subarray(end + 4);
    this.#isUpgraded = status === '101';
    if (!this.#isUpgraded) this.#tell(`http ${status}`);
    this.#look();
    return this.#isUpgraded;
  }

  #takeFrame(): { readonly opcode: number; readonly payload: Buffer } | undefined {
    const input = this.#input;
    if (input.length < 2) return undefined;
    const short = (input[1] as number) & 0x7f;
    const at = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (input.length < at) return undefined;
    const length = short < 126 ? short : short === 126 ? input.readUInt16BE(2) : Number(input.readBigUInt64BE(2));
    if (input.length < at + length) return undefined;
    this.#input = input.subarray(at + length);
    return { opcode: (input[0] as number) & 0x0f, payload: input.subarray(at, at + length) };
  }

  #take({ opcode, payload }: { readonly opcode: number; readonly payload: Buffer }): void {
    if (opcode === opcodes.close) this.#tell(`socket ${payload.length < 2 ? 1005 : payload.readUInt16BE(0)}`);
    if (opcode !== opcodes.binary) return;
    const message = decodeMessage(new Uint8Array(payload));
    if (message.kind === 'credit') this.#credit += message.bytes;
    else if (message.kind === 'open') this.#numbers.set(message.descriptor.id, message.channel);
    else if (message.kind === 'error') this.#tell(`error ${message.code}`);
    else if (message.kind === 'close') this.#tell(`close ${message.reason.code}`);
    // Enough to look for what an attack waits for; a flood's answers are not to fill this process.
    this.#received.push(message.kind === 'events' ? { ...message, blocks: [] } : message);
    if (this.#received.length > 200) this.#received.shift();
  }
}

export interface OpenOptions {
  /** The peer's number for the log. Default: the next. */
  readonly channel?: number;
  readonly edges?: LogEdges;
  readonly ranges?: readonly Range[];
  readonly token?: string;
}
