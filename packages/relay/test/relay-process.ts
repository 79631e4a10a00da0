/** The relay's command in a process of its own, from its source. Node runs no TypeScript, so it is bundled first. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

export interface CommandBundle {
  /** To be run by `node`. */
  readonly program: string;
  remove(): Promise<void>;
}

export async function bundleCommand(): Promise<CommandBundle> {
  const folder = await mkdtemp(join(tmpdir(), 'gossip-log-relay-bundle.'));
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  // Libraries stay outside, and are found through links: lmdb has a native part.
  await mkdir(join(folder, 'node_modules'));
  await symlink(here('../node_modules/ws'), join(folder, 'node_modules/ws'));
  await symlink(here('../../storage/node_modules/lmdb'), join(folder, 'node_modules/lmdb'));
  await symlink(here('../package.json'), join(folder, 'package.json'));
  await build({
    config: false,
    entry: [here('../src/command.ts')],
    tsconfig: here('../tsconfig.json'),
    outDir: join(folder, 'dist'),
    format: 'esm',
    target: 'node20',
    silent: true,
    noExternal: [/^@gossip-log\//],
    external: ['lmdb', 'ws'],
    esbuildOptions(options) {
      options.conditions = ['@gossip-log/source'];
    },
  });
  return { program: join(folder, 'dist/command.js'), remove: () => rm(folder, { recursive: true }) };
}

export interface CommandEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Lines of its standard output and error. */
  readonly output: readonly string[];
  readonly errors: readonly string[];
}

export class CommandProcess {
  readonly ended: Promise<CommandEnd>;
  readonly #child: ChildProcess;
  readonly #ready: Promise<string>;

  constructor(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const output: string[] = [];
    const errors: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
    const lines = createInterface({ input: child.stdout }).on('line', (line) => output.push(line));
    this.ended = once(child, 'close').then(([code, signal]) => ({ code, signal, output, errors }));
    this.#ready = new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        const url = /^Relay is ready: (ws:\S+)$/.exec(line)?.[1];
        if (url !== undefined) resolve(url);
      });
      this.ended.then(() => reject(new Error(`the relay ended before it was ready: ${errors.join('\n')}`)));
    });
    this.#ready.catch(() => {});
  }

  /** Resolves with the address, once the relay says that it is ready. */
  async ready(): Promise<{ readonly url: string; readonly port: number }> {
    const url = await this.#ready;
    return { url, port: Number(new URL(url).port) };
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}
