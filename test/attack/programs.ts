/** The programs of the suite, bundled from source: Node runs no TypeScript. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

export interface Programs {
  /** Paths that Node runs. */
  readonly relay: string;
  readonly command: string;
  readonly probe: string;
  readonly honest: string;
  readonly attacker: string;
  remove(): Promise<void>;
}

export async function bundlePrograms(root: string): Promise<Programs> {
  // Within the relay's package: what is not bundled, `ws` and the native `lmdb`, is found there.
  const cache = join(root, 'packages/relay/node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'attack-'));
  const here = (name: string) => join(root, 'test/attack', name);
  await build({
    entryPoints: {
      relay: here('relay-program.ts'),
      command: join(root, 'packages/relay/src/command.ts'),
      probe: here('relay-probe.ts'),
      honest: here('honest-program.ts'),
      attacker: here('attacker-program.ts'),
    },
    ...{ outdir: folder, outExtension: { '.js': '.mjs' }, bundle: true, format: 'esm', platform: 'node' },
    ...{ target: 'node20', conditions: ['@gossip-log/source'], external: ['ws', 'lmdb'], logLevel: 'silent' },
  });
  const program = (name: string) => join(folder, `${name}.mjs`);
  return {
    relay: program('relay'),
    command: program('command'),
    probe: program('probe'),
    honest: program('honest'),
    attacker: program('attacker'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
