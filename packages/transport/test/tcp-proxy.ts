/** A way between two processes that a test can clog and break: what lies below a WebSocket. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Stops reading what clients, or the server, send from now on. Their systems' buffers fill. */
  stall(from: 'clients' | 'server'): void;
  /** Breaks every connection, without a goodbye. */
  cut(): void;
  /** Breaks every connection, and each new one at once, until `mend`. */
  sever(): void;
  mend(): void;
  close(): Promise<void>;
}

/** Listens on a free port of the loopback and leads to `port`. */
export async function tcpProxy(port: number): Promise<TcpProxy> {
  const clients = new Set<Socket>();
  const upstreams = new Set<Socket>();
  const stalled = new Set<Set<Socket>>();
  let severed = false;
  const server = createServer((client) => {
    if (severed) {
      client.destroy();
      return;
    }
    const upstream = connect(port, '127.0.0.1');
    for (const [socket, other, all] of [
      [client, upstream, clients],
      [upstream, client, upstreams],
    ] as const) {
      all.add(socket);
      socket.on('data', (chunk) => {
        if (!other.write(chunk)) socket.pause();
      });
      other.on('drain', () => {
        if (!stalled.has(all)) socket.resume();
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        all.delete(socket);
        other.destroy();
      });
      socket.on('end', () => other.end());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of [...clients, ...upstreams]) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    stall(from) {
      const senders = from === 'clients' ? clients : upstreams;
      stalled.add(senders);
      for (const socket of senders) socket.pause();
    },
    cut,
    sever() {
      severed = true;
      cut();
    },
    mend() {
      severed = false;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
