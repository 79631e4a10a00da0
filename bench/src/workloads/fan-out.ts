/**
 * A relay with a thousand sockets in one room: what it delivers for a second of its CPU, and how long an event takes
 * at a load that each system here can carry. A few sockets are participants that read; the others count bytes, because a
 * thousand readers on this machine would measure themselves.
 */
import { chatEvents, payloadBytes, sameEvents } from '../events.js';
import { openSockets } from '../systems/sockets.js';
import { verify, type Workload } from '../workload.js';
import { withRelay } from './with-relay.js';

const readersMax = 10;

/** The load at which latency is measured, the same for all. A chat of a thousand people in which thirty write a second. */
const messagesPerSecond = 30_000;

export const fanOut: Workload = {
  name: 'fan-out',
  title: 'Relay fan-out',
  systems: ['floor', 'yjs'],
  events: 1_000,
  counts: 'sockets',
  runs: 3,
  secondsMax: 90,
  run: (context) =>
    withRelay(context, async (relay) => {
      const { system, count: sockets } = context;
      verify(system.live !== undefined, 'it has no relay');
      const { live } = system;
      const messages = Math.max(20, Math.round(sockets * 0.3));
      const readers = await Promise.all(
        Array.from({ length: Math.min(readersMax, Math.ceil(sockets / 10)) }, () => live.join(relay.address)),
      );
      const listeners = await live.listen(relay.address, sockets - readers.length, openSockets);
      const writer = await live.join(relay.address);
      await relay.idle();

      const events = chatEvents(2 * messages);
      const send = async (from: number, everyMs: number): Promise<void> => {
        const startedAt = performance.now();
        for (let i = 0; i < messages; i++) {
          const dueAt = startedAt + i * everyMs;
          while (performance.now() < dueAt) await new Promise((resolve) => setImmediate(resolve));
          const event = { ...events[from + i], at: performance.now() } as (typeof events)[number];
          events[from + i] = event;
          writer.append(event);
          await new Promise((resolve) => setImmediate(resolve));
        }
        while (readers.some((reader) => reader.length() < from + messages)) {
          await new Promise((resolve) => setImmediate(resolve));
        }
      };

      const cpuBefore = await relay.cpuSeconds();
      await send(0, 0);
      await relay.idle();
      const cpu = (await relay.cpuSeconds()) - cpuBefore;

      const latencies: number[] = [];
      for (const reader of readers) {
        let seen = reader.length();
        reader.subscribe(() => {
          const now = performance.now();
          const length = reader.length();
          if (length > seen) for (const { at } of reader.newest(length - seen)) latencies.push(now - at);
          seen = length;
        });
      }
      await send(messages, (sockets * 1000) / messagesPerSecond);

      const all = readers.map((reader) => reader.newest(events.length));
      verify(
        all.every((shown) => sameEvents(shown, events)),
        'events and their order',
      );
      await relay.idle();
      const payload = payloadBytes(events);
      verify(
        listeners.received().every((bytes) => bytes >= payload),
        'every socket received every event',
      );
      listeners.close();
      await Promise.all([...readers, writer].map((participant) => participant.close()));
      latencies.sort((a, b) => a - b);
      const percentile = (share: number) => latencies[Math.floor(share * (latencies.length - 1))] as number;
      return [
        { name: 'delivered', value: (messages * sockets) / cpu, unit: 'messages/CPU s' },
        { name: `p50 at ${messagesPerSecond.toLocaleString('en')} messages/s`, value: percentile(0.5), unit: 'ms' },
        { name: `p99 at ${messagesPerSecond.toLocaleString('en')} messages/s`, value: percentile(0.99), unit: 'ms' },
      ];
    }),
};
