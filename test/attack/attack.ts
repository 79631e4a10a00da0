/** What an attack is: who it plays, which rule it tries to break, and what must hold all the same. */
import type { GossipNode } from '@gossip-log/transport';
import type { RawPeer } from './raw-peer.js';
import type { Report } from './report.js';
import type { Room, RoomSize } from './room.js';

/** How the relay is started. */
export interface RelaySetup {
  /** `authorize` takes so long before it says yes. Absent: the relay has none. */
  readonly authorizeMs?: number;
  readonly connectionsMax?: number;
  /** Megabytes of heap, as `--max-old-space-size`. Default 512. */
  readonly heapMb?: number;
  readonly retention?: { readonly ageMsMax?: number; readonly eventsMax?: number };
  /** The relay's own command, as operators run it, instead of a program that calls `createRelay`. */
  readonly command?: boolean;
}

/** A figure of a report, and the most that it may be. */
export interface Aim {
  readonly name: string;
  readonly max: number;
  of(report: Report): number;
}

/** What an attack works with, in a process of its own. */
export interface Attacker {
  readonly url: string;
  /** 1 in a full run; in a short one a part of the work is enough. */
  readonly scale: number;
  readonly room: Room;
  /** So many in a full run, at least one. */
  count(full: number): number;
  /** A peer that has been upgraded and, unless `greet` is false, has said hello. */
  connect(options?: { readonly greet?: boolean; readonly durable?: boolean }): Promise<RawPeer>;
  /** A TCP connection, and nothing said on it. */
  dial(): RawPeer;
  /** Waits: relays answer and clean up by their own clocks. In a short run a part of it. */
  seconds(full: number): Promise<void>;
  /** A full run's seconds have not passed yet since the attack began; in a short run a part of them. */
  lasts(seconds: number): boolean;
  /** Everything is in place: `during` is called, and this resolves when it is done. */
  hold(): Promise<void>;
}

/** What a check works with, in the process that runs the suite. */
export interface Scene {
  readonly url: string;
  readonly room: Room;
  /** A node of an honest user, who was not there before. Closed after the check. */
  newcomer(): GossipNode;
  /** Ends the relay as operators do and starts it again on the same folder. */
  restart(): Promise<void>;
  /** Resolves once something holds, or when the time that honest users wait is over: false. */
  eventually(condition: () => boolean): Promise<boolean>;
  /** Notes that something must hold, and whether it does. */
  expect(what: string, holds: boolean): void;
}

export interface Attack {
  readonly name: string;
  /** The rule that it tries to break, as a sentence. */
  readonly rule: string;
  /** What it does, for the table of the documents. */
  readonly does: string;
  readonly relay?: RelaySetup;
  /** The room that lies in the relay's store when it starts. Default: none. */
  readonly room?: RoomSize;
  /** Bounds that are not built yet: the short run leaves it out. */
  readonly isOpen?: boolean;
  /** Beside the common ones; one of the same name takes the place of a common one. */
  readonly aims?: readonly Aim[];
  run(attacker: Attacker): Promise<void>;
  /** While the attacker holds. */
  during?(scene: Scene): Promise<void>;
  /** After it has gone. */
  after?(scene: Scene): Promise<void>;
}

/** What the attacker's process says at its end. */
export interface AttackerReport {
  readonly bytesSent: number;
  readonly told: readonly (readonly [string, number])[];
  readonly seconds: number;
}
