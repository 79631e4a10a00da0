/**
 * One attack, from a fresh relay to its report:
 *
 *     relay, honest pair ── quiet ── attack ── the attacker has gone ── rest ── checks
 *
 * Relay, honest pair and attacker are processes of their own. Honest users' latency counts from the attack's first byte until the relay has a
 * turn of its event loop again after the last one; what is kept is measured after the rest.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { memoryStorage } from '@gossip-log/storage/memory';
import { createGossipNode, type GossipNode, webSocketClient } from '@gossip-log/transport';
import { WebSocket } from '../../packages/relay/test/web-socket.js';
import type { Attack, AttackerReport, RelaySetup, Scene } from './attack.js';
import type { HonestQuestion, HonestReport } from './honest-program.js';
import type { Programs } from './programs.js';
import type { ProbeQuestion } from './relay-probe.js';
import type { Check, RelayMeasure, Report } from './report.js';
import { Room, type Rooms } from './room.js';

export interface RunOptions {
  readonly programs: Programs;
  readonly rooms: Rooms;
  /** An empty folder for this run. */
  readonly folder: string;
  /** 1 is all of the attack. */
  readonly scale: number;
  readonly quietSeconds: number;
  /** After the attacker has gone. */
  readonly restSeconds: number;
}

/** An attack takes no longer; then its process is ended and what was measured counts. */
const attackSecondsMax = 45;
/** A relay that does not say how it is for so long is ended. */
const silentSecondsMax = 60;
/** How long an honest user waits for something before giving up. */
const patienceSeconds = 8;

/**
 * Whatever else the machine does is not to be taken for the attack's doing: who is measured goes first, where the system allows
 * that.
 */
function goesFirst({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, -15);
  } catch {
    // Only root may.
  }
}

const wait = (seconds: number) => new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000));

export async function runAttack(attack: Attack, options: RunOptions): Promise<Report> {
  const { programs, rooms, folder, scale } = options;
  const size = attack.room && {
    events: Math.max(2_000, Math.round(attack.room.events * scale)),
    writers: Math.max(1, Math.round(attack.room.writers * Math.max(scale, 0.1))),
  };
  const data = join(folder, 'data');
  if (size !== undefined) await rooms.copy(size, data);

  const checks: Check[] = [];
  const relays: Relay[] = [];
  const nodes: GossipNode[] = [];
  const children: ChildProcess[] = [];
  try {
    let relay = await Relay.start(programs, { ...attack.relay, dataDir: data });
    relays.push(relay);
    const { url } = relay;
    const honest = fork(programs.honest, [url], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    goesFirst(honest);
    children.push(honest);
    const tell = (question: HonestQuestion) => honest.send(question);
    await Promise.race([once(honest, 'message'), relay.ended.then(fail('the relay ended before the attack'))]);

    const scene: Scene = {
      get url() {
        return relay.url;
      },
      room: new Room(size ?? { events: 0, writers: 1 }),
      newcomer() {
        const connections = [webSocketClient({ url: relay.url, WebSocket })];
        const node = createGossipNode({ storage: memoryStorage(), connections, onError: () => undefined });
        nodes.push(node);
        return node;
      },
      async restart() {
        await relay.stop();
        relay = await Relay.start(programs, { ...attack.relay, dataDir: data });
        relays.push(relay);
      },
      async eventually(condition) {
        for (let tries = 0; tries < patienceSeconds * 20; tries++) {
          if (condition()) return true;
          await wait(0.05);
        }
        return condition();
      },
      expect: (what, holds) => checks.push({ what, holds }),
    };
    const check = async (when: ((scene: Scene) => Promise<void>) | undefined) => {
      try {
        await when?.(scene);
      } catch (error) {
        checks.push({
          what: `checks run to their end (${error instanceof Error ? error.message : error})`,
          holds: false,
        });
      }
      await Promise.all(nodes.splice(0).map((node) => node.close()));
    };

    // Its first connections and its compiler are behind it.
    await wait(options.quietSeconds / 4);
    const before = await relay.ask('begin');
    const diskBefore = await bytesIn(data);
    tell('quiet');
    await wait(options.quietSeconds);
    const quiet = await relay.ask('measure');
    await relay.ask('begin');
    tell('attacked');

    const attacker = fork(programs.attacker, [JSON.stringify({ name: attack.name, url, scale, room: size })], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    children.push(attacker);
    const told = new Promise<AttackerReport | undefined>((resolve) => {
      attacker.on('message', async (message: 'holding' | AttackerReport) => {
        if (message !== 'holding') return resolve(message);
        await check(attack.during?.bind(attack));
        if (attacker.connected) attacker.send('go on');
      });
      // Not at its exit: its last word may still be on the way then.
      attacker.once('disconnect', () => resolve(undefined));
    });
    const assault = await Promise.race([told, wait(attackSecondsMax).then(() => undefined)]);
    attacker.kill('SIGKILL');
    await relay.ask('measure');
    tell('over');
    await wait(options.restSeconds);
    const after = (await relay.ask('settle')) ?? quiet;
    honest.send('report' satisfies HonestQuestion);
    const [said] = (await once(honest, 'message')) as [HonestReport];
    const diskAfter = await bytesIn(data);
    const { ending } = relay;
    if (ending === undefined) await check(attack.after?.bind(attack));

    const empty: RelayMeasure = {
      ...{ cpuMs: 0, blockMs: 0, rssPeak: 0, rss: 0, used: 0 },
      ...{ errors: 0, errorSamples: [], notices: 0, authorizing: 0, metrics: {} },
    };
    const [first, last] = [before ?? empty, after ?? empty];
    return {
      attack: attack.name,
      seconds: assault?.seconds ?? attackSecondsMax,
      bytesSent: assault?.bytesSent ?? 0,
      bytesOut: Number(last.metrics['bytesOut'] ?? 0) - Number(first.metrics['bytesOut'] ?? 0),
      cpuMs: last.cpuMs,
      blockMs: last.blockMs,
      quietBlockMs: quiet?.blockMs ?? 0,
      growth: last.rssPeak - first.rss,
      kept: last.used - first.used,
      diskGrowth: diskAfter - diskBefore,
      authorizing: last.authorizing,
      ...said,
      relayEnded: ending,
      attackerTold: assault?.told ?? [['it was stopped', 1]],
      errors: last.errors - first.errors,
      errorSamples: last.errorSamples,
      notices: last.notices - first.notices,
      lines: relay.lines,
      rawControls: relay.rawControls,
      counted: counted(first.metrics, last.metrics),
      checks,
    };
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
    for (const child of children) child.kill('SIGKILL');
    for (const one of relays) one.kill();
  }
}

const fail = (message: string) => () => {
  throw new Error(message);
};

/** Counters of traffic say that there was some, and not that something was wrong. */
const traffic = new Set([
  ...['connections', 'connectionsTotal', 'framesIn', 'bytesIn', 'framesOut', 'bytesOut', 'commits', 'bytesCommitted'],
]);

function counted(before: RelayMeasure['metrics'], after: RelayMeasure['metrics']): Record<string, number> {
  const all = flat(after);
  const was = flat(before);
  return Object.fromEntries(
    Object.entries(all)
      .map(([name, value]) => [name, value - (was[name] ?? 0)] as const)
      .filter(([name, value]) => value !== 0 && !traffic.has(name)),
  );
}

/** Numbers within, by their path. */
function flat(metrics: Readonly<Record<string, unknown>>, path = ''): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).flatMap(([name, value]): [string, number][] => {
      if (typeof value === 'number') return [[path + name, value]];
      if (typeof value !== 'object' || value === null) return [];
      return Object.entries(flat(value as Readonly<Record<string, unknown>>, `${path}${name}.`));
    }),
  );
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** A relay's process. */
class Relay {
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  url = '';
  /** How it ended, unless it goes on. */
  ending: string | undefined;
  /** Lines that it has printed, and control characters in them. */
  lines = 0;
  rawControls = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    let lastLine = '';
    this.ended = once(child, 'close').then(([code, signal]) => {
      const why = /heap out of memory/.test(lastLine) ? 'out of memory' : `${signal ?? `exit code ${code}`}`;
      this.ending ??= `the relay ended: ${why}`;
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8');
      stream?.on('data', (text: string) => {
        // A line's end is what the relay prints after a line; any other control character came from a peer.
        this.rawControls += (text.match(/\p{Cc}/gu) ?? []).filter((character) => character !== '\n').length;
        if (text.includes('heap out of memory')) lastLine = text;
      });
      if (stream) createInterface({ input: stream }).on('line', () => this.lines++);
    }
  }

  static async start(programs: Programs, setup: RelaySetup & { readonly dataDir: string }): Promise<Relay> {
    const { heapMb = 512, command = false, dataDir } = setup;
    const node = ['--expose-gc', `--max-old-space-size=${heapMb}`];
    const stdio: ['ignore', 'pipe', 'pipe', 'ipc'] = ['ignore', 'pipe', 'pipe', 'ipc'];
    const child = command
      ? fork(programs.command, ['relay', '--port', '0', '--data', dataDir], {
          execArgv: [...node, '--import', programs.probe],
          stdio,
        })
      : fork(programs.relay, [JSON.stringify(setup)], { execArgv: node, stdio });
    goesFirst(child);
    const relay = new Relay(child);
    const ready = new Promise<string>((resolve) => {
      child.stdout?.on('data', (text: string) => {
        const url = /Relay is ready: (ws:\S+)/.exec(text)?.[1];
        if (url !== undefined) resolve(url);
      });
    });
    relay.url = await Promise.race([ready, relay.ended.then(fail('the relay did not start'))]);
    relay.lines = 0;
    return relay;
  }

  /** `undefined` once it has ended; it is ended when it says nothing for long. */
  async ask(question: ProbeQuestion): Promise<RelayMeasure | undefined> {
    if (this.ending !== undefined || !this.#child.connected) return undefined;
    const answered = new Promise<RelayMeasure | undefined>((resolve) => {
      const listen = (message: { readonly question: string; readonly answer: RelayMeasure }) => {
        if (message.question !== question) return;
        this.#child.off('message', listen);
        resolve(message.answer);
      };
      this.#child.on('message', listen);
      this.#child.send(question, () => undefined);
    });
    let timer: NodeJS.Timeout | undefined;
    const silent = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        this.ending = `the relay stood still for more than ${silentSecondsMax} s`;
        this.kill();
        resolve(undefined);
      }, silentSecondsMax * 1000);
    });
    const answer = await Promise.race([answered, silent, this.ended.then(() => undefined)]);
    clearTimeout(timer);
    return answer;
  }

  /** As operators do. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
