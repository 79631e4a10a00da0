/**
 * The machines of a run: relays and apps over the real node, storage port, session and WebSocket client, on virtual
 * disks, clocks and ways.
 *
 * An app here does what apps do: it opens logs, looks at them when told of a change, opens a failed log anew, and
 * starts its node again after it went down.
 */
import { type CloseReason, type ConnectionSource, GossipError, type LogEvent } from '@gossip-log/core';
import { blocksOf, ReplicatedLog, runsOf } from '@gossip-log/core/sync';
import {
  createGossipNode,
  type GossipNode,
  type LogHandle,
  type LogWindow,
  type NetworkEvents,
  webSocketClient,
} from '@gossip-log/transport';
import { check, Laws, View, Violation } from './checkers.js';
import type { Fault, Plan, Step } from './plan.js';
import { Random } from './random.js';
import { VirtualDisk } from './virtual-disk.js';
import { VirtualNetwork } from './virtual-network.js';
import { VirtualClock, VirtualProcess, VirtualTime } from './virtual-time.js';

/** Reasons for which a session may end although nobody tampers with it. */
const honestReasons: ReadonlySet<CloseReason['code']> = new Set([
  'normal',
  'connection-lost',
  'node-closed',
  'slow-reader',
  'request-timeout',
  'storage-failed',
  'storage-closed',
  'log-closed',
  'log-not-ready',
]);

/** A process is to end around a disk operation. */
interface Trap {
  operations: number;
  readonly moment: 'before' | 'after';
  readonly power: boolean;
  readonly downMs: number;
}

/** One machine, through all lives of its node. */
interface Machine {
  readonly name: string;
  readonly relay: boolean;
  readonly disk: VirtualDisk;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly plannedDials: readonly string[];
  readonly dials: string[];
  /** Logs that the app wants open. */
  readonly wanted: Set<string>;
  readonly views: Map<string, View>;
  /** Logs that are being read, with what must be there then. */
  readonly loading: Map<string, () => void>;
  process: VirtualProcess | undefined;
  node: GossipNode | undefined;
  trap: Trap | undefined;
  /** Says `online` to the node's clients. */
  online: () => void;
}

export class Cluster {
  readonly time = new VirtualTime();
  readonly counts = new Map<string, number>();
  readonly laws: Laws;
  readonly logs: readonly string[];
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #network: VirtualNetwork;
  readonly #machines: Machine[] = [];
  readonly #story: ((line: string) => void) | undefined;
  readonly #copies = new Map<VirtualDisk, ReturnType<VirtualDisk['copy']>>();
  readonly #dirty = new Set<View>();
  /** Ways on which frames were lost in a cut, and no events were sent since. */
  readonly #lost = new Set<string>();
  /** Logs that are being removed from a disk, and by whom: nobody else opens them there. */
  readonly #forgetting = new Map<VirtualDisk, Map<string, VirtualProcess>>();
  #payloads = 0;
  #healing = false;
  /** A check failed where nothing can be thrown to the run. */
  #failure: unknown;

  constructor(plan: Plan, story?: (line: string) => void) {
    this.#plan = plan;
    this.#story = story;
    this.#random = new Random(plan.seed ^ 0x5eed);
    this.logs = ['tea', 'cake'].slice(0, plan.logs);
    const count = (what: string) => this.count(what);
    this.#network = new VirtualNetwork(this.time, this.#random.fork(), {
      delayMsMax: plan.delayMsMax,
      bytesPerMs: plan.bytesPerMs,
      count,
      sent: (from, to, data) => this.#sent(from, to, data),
      lost: (from, to) => void this.#lost.add(`${from}>${to}`),
    });
    this.laws = new Laws(
      (node) => this.#machines.find(({ name }) => name === node)?.disk,
      () => this.#machines.slice(0, plan.relays).map(({ disk }) => disk),
    );
    const names = [
      ...Array.from({ length: plan.relays }, (_, i) => `relay-${i}`),
      ...plan.apps.map((_, i) => `app-${i}`),
    ];
    const disks = new Map<number, VirtualDisk>();
    for (const [i, name] of names.entries()) {
      const app = plan.apps[i - plan.relays];
      const place = app === undefined ? -1 - i : app.disk;
      const disk = disks.get(place) ?? this.#newDisk();
      disk.isShared = disks.has(place);
      const { keeps } = plan;
      disk.letsGo = keeps !== undefined && keeps.at !== (i < plan.relays ? 'apps' : 'relays');
      disks.set(place, disk);
      const before = plan.bridged && i > 0 ? [i - 1] : [];
      const dials = (app?.dials ?? before).map((to) => names[to] as string);
      this.#machines.push({
        name,
        relay: i < plan.relays,
        disk,
        clock: new VirtualClock(this.time),
        random: this.#random.fork(),
        plannedDials: dials,
        dials: [...dials],
        wanted: new Set(app === undefined ? [] : this.logs),
        views: new Map(),
        loading: new Map(),
        process: undefined,
        node: undefined,
        trap: undefined,
        online: () => {},
      });
    }
    for (const machine of this.#machines) this.#start(machine);
  }

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  /** Lets time pass; every change is looked at. */
  async pass(ms: number): Promise<void> {
    await this.time.passUntil(this.time.nowMs + ms, () => this.#lookAround());
  }

  /** Carries out one step. */
  perform(step: Step): void {
    const apps = this.#machines.filter(({ relay }) => !relay);
    const machine = this.#machines[step.at % this.#machines.length] as Machine;
    const app = apps[step.at % apps.length] as Machine;
    const log = 'log' in step ? (this.logs[step.log % this.logs.length] as string) : '';
    this.#tell(() => describeStep(step, step.do === 'append' || step.do === 'redact' ? app.name : machine.name));
    switch (step.do) {
      case 'append':
        for (let i = 0; i < step.count; i++) this.#append(app, log, step.bytes);
        return;
      case 'redact':
        this.#redact(app, log, step.nth, step.now);
        return;
      case 'crash':
        this.#crash(machine, step.downMs);
        return;
      case 'power':
        this.#powerLoss(machine, step.downMs);
        return;
      case 'trap':
        machine.trap = { ...step };
        return;
      case 'close':
        this.#close(machine, step.downMs);
        return;
      case 'cut':
        this.count('fault: connection cut');
        this.#network.cut(machine.name, this.#peerOf(machine, step.peer));
        return;
      case 'partition':
      case 'one-way': {
        this.count(step.do === 'partition' ? 'fault: partition' : 'fault: one-way partition');
        const { name } = machine;
        const peer = this.#peerOf(machine, step.peer);
        const ways: (readonly [string, string])[] = [[name, peer]];
        if (step.do === 'partition') ways.push([peer, name]);
        for (const [from, to] of ways) {
          this.#network.block(from, to);
          this.time.after(step.forMs, () => this.#network.unblock(from, to));
        }
        return;
      }
      case 'slow-reader':
        this.count('fault: slow reader');
        this.#network.pace(machine.name, step.bytesPerMs);
        this.time.after(step.forMs, () => this.#network.pace(machine.name, undefined));
        return;
      case 'clock':
        this.count('fault: clock set');
        if (Math.abs(step.offsetMs) > 1_000_000) this.count('clock jumped by hours or more');
        machine.clock.set(step.offsetMs);
        machine.clock.driftRate = step.driftRate;
        return;
      case 'full-disk':
        this.count(step.away ? 'fault: disk away' : 'fault: disk full');
        machine.disk.fullUntilMs = this.time.nowMs + step.forMs;
        if (step.away) machine.disk.awayUntilMs = this.time.nowMs + step.forMs;
        return;
      case 'slow-disk':
        this.count('fault: disk slow');
        machine.disk.slowMs = step.slowMs;
        machine.disk.slowUntilMs = this.time.nowMs + step.forMs;
        return;
      case 'damage':
        if (machine.disk.damage(step.kind)) this.count(`fault: record damaged, ${step.kind}`);
        return;
      case 'copy':
      case 'restore': {
        const relays = this.#machines.filter(({ relay }) => relay);
        const owner = step.of === 'relay' ? (relays[step.at % relays.length] ?? app) : app;
        const { disk, relay } = owner;
        if (step.do === 'copy') {
          this.#copies.set(disk, disk.copy());
          return;
        }
        const copy = this.#copies.get(disk);
        if (copy === undefined) return;
        this.count(relay ? 'fault: older copy of a relay restored' : 'fault: older copy restored');
        this.#powerLoss(owner, step.downMs);
        disk.restore(copy);
        this.laws.disown(disk);
        return;
      }
      case 'tamper':
        if (step.kind === 'flip') this.laws.forged = true;
        this.count(`fault: tampering, ${step.kind}`);
        this.#network.tamper(machine.name, this.#peerOf(machine, step.peer), step.kind, step.count);
        return;
      case 'switch':
        this.#switch(app, step.to);
        return;
      case 'open':
        this.#want(app, log);
        return;
      case 'release':
        this.#release(app, log);
        return;
      case 'forget':
        this.#forget(app, log);
        return;
    }
  }

  /**
   * Faults stop, machines start. Connections that stand stay, unless frames of theirs were lost or changed: only their
   * end can heal that.
   */
  heal(): void {
    this.#tell(() => 'faults stop');
    this.#healing = true;
    this.#network.untamper();
    for (const machine of this.#machines) {
      this.#network.pace(machine.name, undefined);
      machine.disk.fullUntilMs = 0;
      machine.disk.awayUntilMs = 0;
      machine.disk.slowUntilMs = 0;
      machine.clock.driftRate = 0;
      machine.trap = undefined;
      for (const [i, planned] of machine.plannedDials.entries()) {
        const before = machine.dials[i] as string;
        machine.dials[i] = planned;
        if (before !== planned) this.#network.cut(machine.name, before);
      }
    }
    if (this.counts.has('frame tampered with: lose') || this.laws.forged) this.#network.cutAll();
    this.#network.unblockAll();
    for (const machine of this.#machines) {
      if (machine.node === undefined && machine.process === undefined) this.#start(machine);
      if (!machine.relay) for (const log of this.logs) this.#want(machine, log);
      // Windows are as deep as can be from now on, whoever opened them.
      for (const log of machine.views.keys()) machine.node?.open(log);
    }
    // Apps that were told not to try again are opened anew, also where that is being told right now.
    const online = () => {
      for (const machine of this.#machines) machine.online();
    };
    online();
    this.time.after(10_000, online);
  }

  /**
   * Every app shows the same number of events of every writer, all stored, and relays hold those and no more. Where nobody
   * holds the whole log any more, that goes for what lies above everybody's edge.
   */
  get converged(): boolean {
    return this.logs.every((log) => {
      const views = this.#apps().map((machine) => machine.views.get(log));
      const edge = this.#edgeOf(log);
      if (edge > 0) {
        if (this.#isKept || !this.#agreeAbove(edge, views)) return false;
        return this.#relaysHold(log, edge);
      }
      const first = views[0]?.handle.log?.version();
      if (first === undefined) return false;
      for (const view of views) {
        const version = view?.handle.log?.version();
        if (view?.handle.hasOlder) return false;
        if (view === undefined || version === undefined || version.size !== first.size || view.isPending) return false;
        for (const [writer, seq] of first) if (version.get(writer) !== seq) return false;
      }
      // Heads say nothing of what a relay still lacks below an edge of its own, nor of what it lacks since it was set back.
      const edges = this.#machines.map(({ relay, disk }) => (relay ? disk.completeEdge(log) : 0));
      if (Math.max(...edges) > 0 && !this.#relaysHold(log, 0)) return false;
      return this.#machines.every(
        ({ relay, disk }) =>
          !relay ||
          (Array.from(first).every(([writer, seq]) => disk.head(log, writer, 'durable') >= seq) &&
            (disk.hasLost || Array.from(disk.heads(log)).every(([writer, seq]) => (first.get(writer) ?? 0) >= seq))),
      );
    });
  }

  /** The highest edge of an app, or of a relay that lets go of events: what lies below need not pass through it. */
  #edgeOf(log: string): number {
    return Math.max(
      ...this.#machines.map(({ relay, disk, views }) =>
        relay ? (disk.letsGo ? disk.completeEdge(log) : 0) : (views.get(log)?.complete ?? 0),
      ),
    );
  }

  /** Nothing was removed or lost: somebody holds whatever was written. */
  get #isKept(): boolean {
    const losing: readonly Fault[] = ['forget', 'damage', 'restore', 'tamper'];
    return this.#plan.keeps === undefined && !losing.some((fault) => this.#plan.faults.includes(fault));
  }

  #relaysHold(log: string, edge: number): boolean {
    const shown = keysAbove(edge, this.#apps()[0]?.views.get(log)?.handle.snapshot() ?? []);
    return this.#machines.every(
      ({ relay, disk }) => !relay || disk.hasLost || keysAbove(edge, this.#read(disk, log)) === shown,
    );
  }

  #agreeAbove(edge: number, views: readonly (View | undefined)[]): boolean {
    // What is still being read from the disk is not shown yet, also below the edge.
    if (views.some((view) => view === undefined || view.isPending || view.residentFrom > 0)) return false;
    return new Set(views.map((view) => keysAbove(edge, view?.handle.snapshot() ?? []))).size === 1;
  }

  /** Everybody writes once more. */
  lastWords(): void {
    for (const app of this.#apps()) for (const log of this.logs) this.#append(app, log, 4);
  }

  /** Whatever was written on a disk a relay has acknowledged to whoever dials one, also what earlier runs wrote. */
  get relayed(): boolean {
    return this.#apps().every(({ views, dials }) => {
      if (!dials.some((name) => name.startsWith('relay'))) return true;
      return [...views.values()].every((view) => {
        const edge = this.#edgeOf(view.log);
        const own = view.events.filter((event) => event.clock >= edge && view.isOwn(event));
        return own.every((event) => view.handle.delivery(event).state === 'relayed');
      });
    });
  }

  /** Starts every node anew: what was redacted is packed by then. Returns whether anything was. */
  restartRedacted(): boolean {
    if (!this.counts.has('event redacted')) return false;
    for (const machine of this.#machines) this.#crash(machine, 0);
    return true;
  }

  /** No disk holds the payload of what was redacted, as far as it knows of that. */
  get erased(): boolean {
    return this.payloadLeft === undefined;
  }

  /** Such a payload, and where. Of several tabs over one disk one packs, and leaves what another has written. */
  get payloadLeft(): string | undefined {
    for (const log of this.logs) {
      for (const { name, disk } of this.#machines) {
        if (disk.damaged || disk.isShared) continue;
        const left = this.laws.payloadOn(disk, log);
        if (left !== undefined) return `${name}'s disk holds the payload of ${left}`;
      }
    }
    return undefined;
  }

  /**
   * Starts every node anew whose disk was damaged, so that it finds the damage and fetches what it lacks. Returns whether
   * there was one.
   */
  restartDamaged(): boolean {
    const damaged = this.#machines.filter(({ disk }) => disk.damaged);
    for (const machine of damaged) this.#crash(machine, 0);
    return damaged.length > 0;
  }

  /**
   * Disks hold all that apps show: what was damaged was fetched and written again. A packed chunk that a relay has not read again may still be damaged: it is found when it is.
   */
  get repaired(): boolean {
    return this.logs.every((log) => {
      const length = this.#apps()[0]?.views.get(log)?.handle.log?.length;
      return this.#machines.every(
        ({ disk, relay }) =>
          !disk.damaged ||
          (relay && disk.hasDamagedChunk(log)) ||
          this.#edgeOf(log) > 0 ||
          this.#read(disk, log).length === length,
      );
    });
  }

  /** All clocks are right from now on. */
  setClocksRight(): void {
    this.#tell(() => 'clocks are put right');
    for (const { clock } of this.#machines) clock.set(0);
  }

  /** What has not come together waits for a clock, and somebody is told so: time passes until it is due. */
  waitUntilDue(): void {
    let newestMs = 0;
    for (const log of this.logs) {
      for (const { relay, disk, views } of this.#machines) {
        const events = relay ? this.#read(disk, log) : [...(views.get(log)?.handle.snapshot() ?? [])];
        newestMs = Math.max(newestMs, events.at(-1)?.timestamp ?? 0);
      }
    }
    const aheadMs = newestMs - this.time.nowMs;
    if (this.#machines.every(({ clock }) => aheadMs <= clock.offsetMs)) return;
    const isTold = this.#apps().some(({ views }) =>
      [...views.values()].some(({ handle }) => handle.error?.code === 'early'),
    );
    check(isTold, 'L1', () => `events wait for a clock, and no app is told: ${this.standing()}`);
    this.#tell(() => `time passes, ${aheadMs} ms`);
    this.count('waited for a clock');
    for (const { clock } of this.#machines) clock.set(aheadMs);
  }

  /** The law of convergence, over what apps show and what disks hold. */
  checkConverged(): void {
    for (const log of this.logs) {
      const sequences = new Map<string, readonly LogEvent[]>();
      for (const { name, relay, disk, views } of this.#machines) {
        const view = views.get(log);
        view?.look();
        if (view !== undefined) sequences.set(name, view.events);
        if (relay && !disk.hasLost) sequences.set(`${name}'s disk`, this.#read(disk, log));
      }
      const disks = this.#machines.map(({ disk }) => disk).filter(({ damaged }) => !damaged);
      this.laws.checkConverged(log, sequences, this.#edgeOf(log), disks);
    }
  }

  /** Why it has not converged. */
  standing(): string {
    if (this.converged && this.relayed && this.payloadLeft !== undefined) return this.payloadLeft;
    return this.#apps()
      .flatMap(({ name, views, node }) =>
        Array.from(views.values(), (view) => {
          const { log, handle, complete } = view;
          const seqs = [...(handle.log?.version().values() ?? [])].join('+');
          const window = `${complete > 0 ? `, from ${complete}` : ''}${handle.hasOlder ? ', has older' : ''}`;
          const own = view.events.filter((event) => view.isOwn(event) && handle.delivery(event).state !== 'relayed');
          const kept = own.length === 0 ? '' : `, not relayed: ${own.map(({ id }) => id).join(' ')}`;
          return `${name} ${log}: ${handle.status}, ${seqs} events${window}, ${node?.connection().status}${kept}`;
        }),
      )
      .join('; ');
  }

  #apps(): Machine[] {
    return this.#machines.filter(({ relay }) => !relay);
  }

  #newDisk(): VirtualDisk {
    const disk: VirtualDisk = new VirtualDisk(this.time, this.#random.fork(), {
      latencyMsMax: this.#plan.diskLatencyMsMax,
      runsOf,
      count: (what) => this.count(what),
      watch: (holder, moment) => this.#diskOperation(disk, holder as VirtualProcess, moment),
      forgot: (log) => this.laws.forgot(disk, log),
    });
    return disk;
  }

  #diskOperation(disk: VirtualDisk, process: VirtualProcess, moment: 'before' | 'after'): void {
    if (moment === 'after') this.laws.wrote(disk, this.time.nowMs);
    const machine = this.#machines.find((candidate) => candidate.process === process);
    const trap = machine?.trap;
    if (machine === undefined || trap === undefined || trap.moment !== moment || trap.operations-- > 0) return;
    machine.trap = undefined;
    this.count(`process ended ${moment} a disk operation`);
    if (trap.power) this.#powerLoss(machine, trap.downMs);
    else this.#crash(machine, trap.downMs);
  }

  #start(machine: Machine): void {
    const { name, disk, clock, random, relay } = machine;
    const process = new VirtualProcess(this.time, clock, random);
    machine.process = process;
    const listeners = new Set<() => void>();
    const network: NetworkEvents = {
      addEventListener: (type, listener) => void (type === 'online' && listeners.add(listener)),
      removeEventListener: (_type, listener) => void listeners.delete(listener),
    };
    machine.online = () => {
      for (const listener of [...listeners]) listener();
    };
    const dialled = machine.dials.map((_, i) =>
      webSocketClient({
        url: () => `ws://${machine.dials[i]}/`,
        WebSocket: this.#network.webSocketOf(name, process),
        network,
        environment: process.environment,
      }),
    );
    const { at, ...retention } = this.#plan.keeps ?? {};
    machine.node = createGossipNode({
      storage: disk.storage(process),
      connections: [...dialled, this.#network.listen(name, process)].map((source) => this.#observed(machine, source)),
      environment: process.environment,
      durable: relay,
      openOnDemand: relay,
      ...(disk.letsGo ? { retention } : {}),
      name,
      onError: (error) => this.#onError(machine, error),
    });
    for (const log of machine.wanted) this.#open(machine, log);
  }

  /** Counts why connections end; honest peers end them for honest reasons alone. */
  #observed(machine: Machine, source: ConnectionSource): ConnectionSource {
    return {
      ...(source.dials === undefined ? {} : { dials: source.dials }),
      start: (host) =>
        source.start({
          status: (status) => host.status(status),
          connected: (connection) => {
            const handlers = host.connected(connection);
            return {
              frame: (bytes) => handlers.frame(bytes),
              closed: (reason) => {
                this.count(`session ended: ${reason.code}`);
                this.#tell(() => `${machine.name} ↔ ${connection.peer}: ended, ${reason.code} ${reason.message}`);
                if (!honestReasons.has(reason.code) && !this.#tampered) {
                  this.#fail(
                    new Violation('L6', `${machine.name}: a session ended with ${reason.code}: ${reason.message}`),
                  );
                }
                handlers.closed(reason);
              },
            };
          },
        }),
    };
  }

  get #tampered(): boolean {
    return this.#plan.faults.includes('tamper');
  }

  #onError(machine: Machine, error: Error): void {
    const code = error instanceof GossipError ? error.code : error.name;
    this.count(`told: ${code}`);
    this.#tell(() => `${machine.name} is told: ${error.message}`);
    if (!(error instanceof GossipError)) this.#fail(error);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
  }

  #open(machine: Machine, log: string): void {
    const { node, process } = machine;
    if (node === undefined || process === undefined || machine.views.has(log)) return;
    if (this.#forgetting.get(machine.disk)?.get(log)?.alive) {
      process.environment.setTimer(500, () => {
        if (machine.wanted.has(log)) this.#open(machine, log);
      });
      return;
    }
    const window = this.#healing ? 'all' : this.#windowFor(machine, log);
    const catchUpEventsMax = this.#catchUpFor(machine, log);
    const handle = node.open(log, { window, catchUpEventsMax });
    if (window !== 'all' || catchUpEventsMax < Number.POSITIVE_INFINITY) {
      // Somebody scrolls up after a while.
      process.environment.setTimer(3_000, () => this.#loadOlder(handle, 3));
    }
    const view = new View(this.laws, machine.name, log, handle, machine.disk, process);
    machine.views.set(log, view);
    this.#dirty.add(view);
    // One that is open already is not read again, and one that is being read was promised things before; a tab may lack
    // what another has stored meanwhile.
    const { loading } = machine;
    if (handle.status === 'opening' && !loading.has(log)) loading.set(log, this.laws.loading(view));
    handle.subscribe(() => {
      if (handle.status !== 'opening') this.#loaded(machine, log, handle.status === 'ready');
      // A use that was given back is told for a while, but nobody looks through it any more.
      if (machine.views.get(log) !== view) return;
      this.#dirty.add(view);
      if (handle.status === 'failed') {
        this.count(`log failed: ${handle.error?.code}`);
        this.#giveBack(machine, view);
        process.environment.setTimer(1_000, () => {
          if (machine.wanted.has(log)) this.#open(machine, log);
        });
      }
    });
  }

  /** Every other app holds a part of some logs in memory. */
  #windowFor(machine: Machine, log: string): LogWindow {
    return this.#drawFor(machine, log).pick<LogWindow>(['all', 'all', { last: 0 }, { last: 3 }, { last: 20 }]);
  }

  /** At most so many of the events that the app missed. */
  #catchUpFor(machine: Machine, log: string): number {
    const none = Number.POSITIVE_INFINITY;
    return this.#plan.catchUps && !this.#healing ? this.#drawFor(machine, log, 0xca7c).pick([none, 0, 1, 4]) : none;
  }

  /** What an app does with a log is the same in all its lives. */
  #drawFor({ name }: Machine, log: string, die = 0): Random {
    const app = name.length * 7 + name.charCodeAt(name.length - 1) + this.logs.indexOf(log);
    return new Random((this.#plan.seed + app) ^ die);
  }

  #loadOlder(handle: LogHandle<unknown>, count: number): void {
    handle.loadOlder(count).then(
      (came) => this.count('older events read', came),
      // The log was given back, has failed, or its disk cannot be read.
      () => undefined,
    );
  }

  /** A log has been read, or cannot be. */
  #loaded(machine: Machine, log: string, ready: boolean): void {
    const checkLoaded = machine.loading.get(log);
    machine.loading.delete(log);
    try {
      if (ready) checkLoaded?.();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** One use of a log is over. */
  #giveBack(machine: Machine, view: View): void {
    machine.views.delete(view.log);
    this.#dirty.delete(view);
    view.handle.release();
    if (view.handle.status === 'failed') this.laws.ended(view.process, view.log);
  }

  #want(machine: Machine, log: string): void {
    machine.wanted.add(log);
    this.#open(machine, log);
  }

  #release(machine: Machine, log: string): void {
    machine.wanted.delete(log);
    const view = machine.views.get(log);
    if (view === undefined) return;
    this.count('fault: log released');
    this.#giveBack(machine, view);
  }

  /** No node knows what other tabs use, so an app lets all of them close a log before it removes it. */
  #forget(machine: Machine, log: string): void {
    const { disk } = machine;
    const tabs = this.#machines.filter((other) => other.disk === disk);
    const { node, process } = machine;
    if (node === undefined || process === undefined || this.#forgetting.get(disk)?.get(log)?.alive) return;
    for (const tab of tabs) this.#release(tab, log);
    if (tabs.length > 1) {
      const forgetting = this.#forgetting.get(disk) ?? new Map();
      this.#forgetting.set(disk, forgetting.set(log, process));
    }
    const done = () => void this.#forgetting.get(disk)?.delete(log);
    // After the log has closed by itself.
    this.time.after(6_000, () => {
      // On a slow disk others may not have closed it yet.
      const isSlow = tabs.length > 1 && this.time.nowMs < Math.max(disk.slowUntilMs, disk.fullUntilMs);
      if (machine.node !== node || this.#healing || isSlow) return done();
      node
        .forget(log)
        .then(
          () => this.count(tabs.length > 1 ? 'fault: log of several tabs forgotten' : 'fault: log forgotten'),
          (error) => {
            if (!(error instanceof GossipError)) this.#fail(error);
          },
        )
        .finally(done);
    });
  }

  #append(machine: Machine, log: string, bytes: number): void {
    const view = machine.views.get(log);
    if (view?.handle.status !== 'ready') return;
    const payload = `${this.#payloads++}${'.'.repeat(bytes)}`;
    try {
      const event = view.append(payload);
      this.count('event appended');
      this.#dirty.add(view);
      this.#tell(() => `  ${event.id} at ${event.clock}`);
    } catch (error) {
      if (!(error instanceof GossipError)) throw error;
      check(error.code === 'limit-exceeded', 'L9', () => `${machine.name}: append failed: ${error.message}`);
      this.count('append refused, storage is behind');
    }
  }

  #redact(machine: Machine, log: string, nth: number, now: boolean): void {
    const view = machine.views.get(log);
    if (view?.handle.status !== 'ready') return;
    try {
      const redacted = view.redact(nth, now);
      if (redacted === undefined) return;
      this.count('event redacted');
      this.#dirty.add(view);
      this.#tell(() => `  ${redacted} redacted`);
    } catch (error) {
      if (!(error instanceof GossipError)) throw error;
      check(error.code === 'limit-exceeded', 'L9', () => `${machine.name}: redact failed: ${error.message}`);
    }
  }

  #switch(machine: Machine, to: number): void {
    const relays = this.#machines.filter(({ relay }) => relay);
    const relay = relays[to % relays.length];
    const before = machine.dials[0];
    if (relay === undefined || before === undefined || before === relay.name) return;
    this.count('fault: another relay dialled');
    machine.dials[0] = relay.name;
    this.#network.cut(machine.name, before);
  }

  #peerOf(machine: Machine, peer: number): string {
    const near = this.#machines.filter(
      ({ name, dials }) => machine.dials.includes(name) || dials.includes(machine.name),
    );
    return (near[peer % near.length] ?? machine).name;
  }

  #crash(machine: Machine, downMs: number): void {
    if (machine.process === undefined) return;
    this.count('fault: process killed');
    this.#endProcess(machine, 'told');
    this.laws.checkDisk(machine.disk, machine.name);
    this.#restartAfter(machine, downMs);
  }

  #powerLoss(machine: Machine, downMs: number): void {
    this.count('fault: power lost');
    const { disk } = machine;
    const victims = this.#machines.filter((other) => other.disk === disk);
    for (const victim of victims) this.#endProcess(victim, 'silent');
    disk.powerLost();
    this.laws.wrote(disk, this.time.nowMs);
    this.laws.checkDisk(disk, machine.name);
    for (const victim of victims) this.#restartAfter(victim, downMs);
  }

  #endProcess(machine: Machine, how: 'told' | 'silent'): void {
    const { process } = machine;
    if (process === undefined) return;
    process.alive = false;
    this.#network.processEnded(process, how);
    if (how === 'told') {
      machine.disk.processEnded(process);
      this.laws.wrote(machine.disk, this.time.nowMs);
    }
    this.#afterEnd(machine, process);
  }

  #afterEnd(machine: Machine, process: VirtualProcess): void {
    this.laws.ended(process);
    for (const view of machine.views.values()) this.#dirty.delete(view);
    machine.views.clear();
    machine.loading.clear();
    machine.process = undefined;
    machine.node = undefined;
    machine.trap = undefined;
    machine.online = () => {};
  }

  #restartAfter(machine: Machine, downMs: number): void {
    this.time.after(downMs, () => {
      if (machine.process !== undefined) return;
      this.#tell(() => `${machine.name} starts again`);
      this.#start(machine);
    });
  }

  #close(machine: Machine, downMs: number): void {
    const { node, process } = machine;
    if (node === undefined || process === undefined) return;
    this.count('fault: node closed');
    // From now on no app uses it; its process lives until all is closed.
    for (const view of machine.views.values()) this.#dirty.delete(view);
    machine.views.clear();
    machine.loading.clear();
    machine.node = undefined;
    node.close().then(
      () => {
        if (machine.process !== process) return;
        process.alive = false;
        this.laws.wrote(machine.disk, this.time.nowMs);
        this.#afterEnd(machine, process);
        this.#restartAfter(machine, this.#healing ? 0 : downMs);
      },
      (error) => this.#fail(error),
    );
  }

  #lookAround(): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const view of this.#dirty) {
      if (!this.#healing && !this.#random.chance(this.#plan.looks)) continue;
      this.#dirty.delete(view);
      view.look();
    }
  }

  /** What lies on a disk, read as a restart would. */
  #read(disk: VirtualDisk, log: string): LogEvent[] {
    const writer = this.#machines[0]?.views.values().next().value?.handle.log?.writer;
    const copy = new ReplicatedLog({ id: log, writer: writer ?? anyWriter, now: () => 0 });
    // The journal may lie in another order than the log: below the edge that is kept with it anything may be missing.
    copy.resumeEdges({ wanted: 0, complete: disk.completeEdge(log) });
    const unlessDamaged = (load: () => void) => {
      try {
        load();
      } catch (error) {
        // A damaged record that no node has met yet.
        if (!disk.damaged) throw error;
      }
    };
    const sound = new Map<number, Uint8Array>();
    for (const [id, bytes] of disk.chunks(log)) {
      unlessDamaged(() => {
        blocksOf(new Map([[id, bytes]]));
        sound.set(id, bytes);
      });
    }
    // As a node does that cannot hold all that waits for what lies behind it (H7).
    for (let before = -1; copy.length > before; ) {
      before = copy.length;
      for (const block of blocksOf(sound)) copy.load(block);
      for (const block of disk.records(log)) unlessDamaged(() => copy.load(block));
    }
    return [...copy.snapshot()];
  }

  #sent(from: string, to: string, data: Uint8Array): void {
    const kind = frameKinds[data[1] ?? 0] ?? 'unknown frame';
    if (kind === 'want') this.count('gap asked for');
    if (kind === 'ranges') this.count(data[3] === 8 ? 'comparison let go' : 'logs compared');
    if (kind === 'sums') this.count('log at rest summed');
    if (kind === 'coming') this.count('total announced');
    if (kind === 'cut') this.count('missing events left out');
    if (kind === 'error') this.count('refusal sent');
    const sender = this.#machines.find(({ name }) => name === from);
    if (kind === 'events' && sender !== undefined) {
      try {
        this.laws.checkSent(from, sender.disk, data, this.time.nowMs);
      } catch (error) {
        this.#fail(error);
      }
    }
    if (kind === 'events' && this.#lost.delete(`${from}>${to}`)) this.count('transfer resumed after a cut');
    this.#tell(() => `    ${from} → ${to}: ${kind}, ${data.length} B`);
  }

  #tell(line: () => string): void {
    this.#story?.(`${String(Math.round(this.time.nowMs - start)).padStart(8)} ms  ${line()}`);
  }
}

const start = Date.UTC(2026, 0, 1);
const anyWriter = 'AAAAAAAAAAAAAAAAAAAAAA' as LogEvent['writer'];
const frameKinds = [
  ...['hello', 'open', 'ranges', 'want', 'events', 'ack', 'credit', 'presence', 'error', 'close'],
  ...['feed', 'pull', 'sums', 'coming', 'absent', 'unused', 'cut'],
];

/** Which events lie from there up, and by what they were redacted. */
function keysAbove(edge: number, events: Iterable<LogEvent>): string {
  return Array.from(events)
    .filter(({ clock }) => clock >= edge)
    .map(({ id, redacted }) => `${id}${redacted === undefined ? '' : ` by ${redacted.id}`}`)
    .join();
}

/** A step in one line. */
export function describeStep(step: Step, where = `${step.at}`): string {
  const { do: what, at: _, afterMs, ...rest } = step;
  const details = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  return `+${afterMs} ms ${what} at ${where}${details.length > 0 ? `: ${details.join(', ')}` : ''}`;
}
