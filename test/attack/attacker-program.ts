/** One attack in a process of its own, so that its work is not in the way of those who are measured. */
import { networkInterfaces, setPriority } from 'node:os';
import type { Attacker, AttackerReport } from './attack.js';
import { attacks } from './attacks/index.js';
import { RawPeer } from './raw-peer.js';
import { Room } from './room.js';

const { name, url, scale, room } = JSON.parse(process.argv[2] as string) as AttackerArguments;
const attack = attacks.find((one) => one.name === name);
if (attack === undefined) throw new RangeError(`no attack ${name}`);

export interface AttackerArguments {
  readonly name: string;
  readonly url: string;
  readonly scale: number;
  /** The size of the room that the relay holds. */
  readonly room: { readonly events: number; readonly writers: number } | undefined;
}

// An attacker has a machine of its own. Here it takes what the others leave.
setPriority(10);

const startedAt = performance.now();
const told = new Map<string, number>();
const peers: RawPeer[] = [];
let bytesSent = 0;
// All of 127.0.0.0/8 is this machine's on Linux: the attacker is somebody else than the honest users.
const from = process.platform === 'linux' && networkInterfaces()['lo'] !== undefined ? '127.0.0.66' : undefined;

const attacker: Attacker = {
  url,
  scale,
  room: new Room(room ?? { events: 0, writers: 1 }),
  count: (full) => Math.max(1, Math.round(full * scale)),
  async connect({ greet = true, durable = false } = {}) {
    const peer = attacker.dial();
    if ((await peer.upgrade()) && greet) peer.hello({ durable });
    return peer;
  },
  dial() {
    const sent = (bytes: number) => {
      bytesSent += bytes;
    };
    const peer = new RawPeer({ url, told, sent, ...(from === undefined ? {} : { from }) });
    peers.push(peer);
    return peer;
  },
  seconds: (full) => new Promise((resolve) => setTimeout(resolve, full * 1000 * Math.max(scale, 0.1))),
  lasts: (seconds) => performance.now() - startedAt < seconds * 1000 * scale,
  hold: () =>
    new Promise((resolve) => {
      process.once('message', () => resolve());
      process.send?.('holding');
    }),
};

await attack.run(attacker);
const seconds = (performance.now() - startedAt) / 1000;
for (const peer of peers) peer.end();
process.send?.({ bytesSent, told: [...told], seconds } satisfies AttackerReport, () => process.exit());
