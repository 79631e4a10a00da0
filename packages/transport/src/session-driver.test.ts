/** Which of a log's two lives a session tells what its peer says, when the log failed and is read again. */
import { jsonCodec, type WriterId, writerIdFromBytes } from '@gossip-log/core';
import { ReplicatedLog, Session, type SessionInput } from '@gossip-log/core/sync';
import { expect, test } from 'vitest';
import { FakeEnvironment } from '../test/fake-environment.js';
import type { HostedLog } from './hosted-log.js';
import { Quotas } from './peer-quota.js';
import { SessionDriver, type SessionHost } from './session-driver.js';
import { Turns } from './turns.js';

const idOf = (byte: number): WriterId => writerIdFromBytes(new Uint8Array(16).fill(byte));
const descriptor = { id: 'tea', policy: 'unsigned', codec: jsonCodec.name } as const;
const optionsOf = (byte: number, onDemand: boolean) => ({
  ...{ node: idOf(byte), name: `${byte}`, durable: onDemand, onDemand },
  ...{ wallClock: () => 1_700_000_000_000, clockOffsetMs: 0 },
});

/** As much of a hosted log as a session without events needs. It notes which peers it hears of. */
function hostedLog() {
  const told: string[] = [];
  const log = new ReplicatedLog(
    { id: 'tea', writer: idOf(9), now: () => 1_700_000_000_000 },
    { freshWriter: () => idOf(9) },
  );
  const hosted = {
    ...{ id: 'tea', log, peers: new Set(), deliveries: { ownRuns: new Map() } },
    peerOpened: () => void told.push('opened'),
    reach: {
      left: () => void told.push('left'),
      told: () => ({ wanted: 0, complete: 0 }),
    },
    left: () => void told.push('left'),
    reading: (reading: Iterator<never, unknown>, take: (value: unknown) => void) => take(reading.next().value),
    ...{ compared: () => undefined, beforeSending: () => undefined, readWriters: () => undefined },
  };
  return { hosted: hosted as unknown as HostedLog, told };
}

test('a peer opens the log again while that is read again after a failure: only the log that learns of its end hears of it', async () => {
  const [before, after] = [hostedLog(), hostedLog()];
  let { hosted } = before;
  const peer = new Session(optionsOf(1, false));
  const environment = new FakeEnvironment();
  const host: Partial<SessionHost> = {
    environment,
    turns: new Turns(environment),
    quotas: new Quotas(environment),
    introduction: async () => ({ options: optionsOf(2, true), token: undefined }),
    attachedLogs: () => [],
    hosted: () => hosted,
    openForPeer: async () => ({ writable: true, vouches: false, mayRedact: undefined, release: () => undefined }),
    codecOf: () => undefined,
    codecAskedFor: () => undefined,
    ...{ established: () => undefined, peerOpened: () => undefined, peerLeft: () => undefined, ended: () => undefined },
    onError: (error) => {
      throw error;
    },
  };
  const toPeer: Uint8Array[] = [];
  const connection = { peer: 'peer', send: (frame: Uint8Array) => toPeer.push(frame), close: () => undefined };
  const driver = new SessionDriver(host as SessionHost, connection as never, false);
  /** Everything that follows has happened. */
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  /** What the peer does, and what both say to each other then. */
  const tell = async (...inputs: SessionInput[]) => {
    for (let input = inputs.shift(); input !== undefined; input = inputs.shift()) {
      for (const output of peer.handle(input)) {
        if (output.type === 'send') driver.frame(output.frame);
        if (output.type !== 'request') continue;
        const { request, effect } = output;
        if (effect.kind === 'describe') {
          const ranges = [{ kind: 'runs', runs: [] }] as const;
          inputs.push({
            type: 'answer',
            request,
            answer: { kind: 'describe', descriptor, ranges, token: undefined },
            now: 0,
          });
        } else if (effect.kind === 'open') {
          inputs.push({
            type: 'answer',
            request,
            answer: { kind: 'open', log: 'tea', writable: true, forPeer: false },
            now: 0,
          });
        }
      }
      await settled();
      inputs.push(...toPeer.splice(0).map((bytes): SessionInput => ({ type: 'frame', bytes, now: 0 })));
    }
  };
  await settled();
  await tell({ type: 'start', now: 0 }, { type: 'attach', log: 'tea', now: 0 });
  expect(before.told).toEqual(['opened']);

  // Another peer has the log read again. This one tells its edges meanwhile.
  hosted = after.hosted;
  await tell({ type: 'tell', log: 'tea', now: 0 });
  expect(before.told).toEqual(['opened', 'opened']);
  expect(after.told).toEqual([]);

  driver.reopened('tea');
  await settled();
  await tell(...toPeer.splice(0).map((bytes): SessionInput => ({ type: 'frame', bytes, now: 0 })));
  expect(before.told).toEqual(['opened', 'opened', 'left']);
  expect(after.told).toEqual(['opened']);
  driver.closed({ code: 'connection-lost', message: '' });
  expect(after.told).toEqual(['opened', 'left']);
});
