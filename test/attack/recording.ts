/** What honest nodes say to one another: frames of their sessions, both ways, as a source of hostile ones. */
import type { ConnectionSource } from '@gossip-log/core';
import { memoryStorage } from '@gossip-log/storage/memory';
import { createGossipNode, type GossipNodeOptions, memoryPair } from '@gossip-log/transport';
import { FakeEnvironment } from '../../packages/transport/test/fake-environment.js';

/** A session's frames one way, in order. */
export interface Recording {
  /** Who took them: the node on demand that promises durability, or the one that has dialled it. */
  readonly at: 'relay' | 'client';
  readonly frames: readonly Uint8Array[];
}

/** Logs that the recorded nodes use. */
export const recordedLogs = ['tea', 'coffee', 'late'] as const;

/** Time by hand, and randomness from a seed. */
export class SeededEnvironment extends FakeEnvironment {
  readonly #random: () => number;

  constructor(random: () => number) {
    super();
    this.#random = random;
  }

  override randomBytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => Math.floor(this.#random() * 256));
  }
}

/** The same source; what comes is noted. */
function noted(source: ConnectionSource, sessions: Uint8Array[][]): ConnectionSource {
  return {
    ...(source.dials === undefined ? {} : { dials: source.dials }),
    start: (host) =>
      source.start({
        status: (status) => host.status(status),
        connected(connection) {
          const handlers = host.connected(connection);
          const frames: Uint8Array[] = [];
          sessions.push(frames);
          return {
            frame(bytes) {
              frames.push(bytes.slice());
              handlers.frame(bytes);
            },
            closed: (reason) => handlers.closed(reason),
          };
        },
      }),
  };
}

/** Lets both nodes do what they have to. */
async function settle(environment: FakeEnvironment, ms = 200): Promise<void> {
  for (let i = 0; i < 20; i++) {
    environment.advance(ms / 20);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Sessions in which events go both ways, are missing, redacted, asked for by windows and feeds, and a log is left. */
export async function recordSessions(environment: FakeEnvironment): Promise<Recording[]> {
  const atRelay: Uint8Array[][] = [];
  const atClient: Uint8Array[][] = [];
  const node = (source: ConnectionSource, sessions: Uint8Array[][], options: Partial<GossipNodeOptions> = {}) =>
    createGossipNode({ storage: memoryStorage(), environment, connections: [noted(source, sessions)], ...options });
  const first = memoryPair();
  const second = memoryPair();
  const relay = createGossipNode({
    ...{ storage: memoryStorage(), environment, durable: true, openOnDemand: true },
    connections: [noted(first.left, atRelay), noted(second.left, atRelay)],
  });
  const ada = node(first.right, atClient);
  const tea = ada.open<string>('tea');
  const coffee = ada.open<string>('coffee');
  await Promise.all([tea.ready, coffee.ready]);
  for (let i = 0; i < 30; i++) {
    const { id } = tea.append(`tea ${i}`);
    if (i % 10 === 3) tea.redact(id);
    if (i % 5 === 0) coffee.append(`coffee ${i}`);
    if (i % 7 === 0) await settle(environment);
  }
  first.cut();
  for (let i = 0; i < 3; i++) tea.append(`offline ${i}`);
  await settle(environment);
  first.reconnect();
  await settle(environment);

  const bob = node(second.right, atClient);
  const newest = bob.open<string>('tea', { window: { last: 5 } });
  await newest.ready;
  await settle(environment);
  newest.append('Is there more?');
  newest.loadOlder(10).catch(() => undefined);
  await settle(environment);
  const late = bob.open<string>('late');
  await late.ready;
  late.append('nobody reads it');
  newest.release();
  await settle(environment, 50_000);
  tea.append('after a while');
  await settle(environment);
  await Promise.all([ada.close(), bob.close(), settle(environment)]);
  await Promise.all([relay.close(), settle(environment)]);
  return [
    ...atRelay.map((frames) => ({ at: 'relay', frames }) as const),
    ...atClient.map((frames) => ({ at: 'client', frames }) as const),
  ].filter(({ frames }) => frames.length > 0);
}
