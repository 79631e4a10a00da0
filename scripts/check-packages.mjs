/**
 * Checks the packages as their users get them: packs each, lints the tarball, and runs a small program against the
 * tarballs in an empty folder. Each package finds there what its own package.json names and nothing else, so a
 * forgotten dependency shows, and so does a library that was bundled although it must not be (LMDB loses its native
 * part that way while every test of the source passes).
 *
 * Then the recipe for Jest runs in that folder, as docs/environments.md gives it.
 *
 * Needs the builds; needs no network.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { pnpm, root, run } from './run.mjs';

/** Peers that a user brings along. */
const peers = ['react', 'vitest', 'fast-check'];

/** @type {string[]} */
const problems = [];
const folder = mkdtempSync(join(tmpdir(), 'gossip-log-packages-'));
const scope = join(folder, 'node_modules/@gossip-log');
const tarballs = join(folder, 'tarballs');
mkdirSync(scope, { recursive: true });
mkdirSync(tarballs);

/** @param {string} target @param {string} path */
function link(target, path) {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(realpathSync(target), path);
}

/** @param {readonly string[]} command @param {{ cwd?: string }} [options] */
async function must(command, options) {
  const { ok, output } = await run(command, options);
  if (!ok) problems.push(`${command.join(' ')}\n${output}`);
  return ok;
}

/** What TypeScript users of ESM meet. CommonJS and the oldest resolution are not served. @param {string} tarball */
async function typeProblems(tarball) {
  const result = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
  if (!result.types) return ['no types'];
  return result.problems.flatMap((problem) => {
    const resolution = 'resolutionKind' in problem ? problem.resolutionKind : 'any';
    if (resolution === 'node10' || resolution === 'node16-cjs') return [];
    return `${problem.kind} (${resolution}${'entrypoint' in problem ? `, ${problem.entrypoint}` : ''})`;
  });
}

try {
  const names = readdirSync(join(root, 'packages'));
  await must([...pnpm, '--recursive', '--filter=./packages/*', 'pack', '--pack-destination', tarballs]);
  /** @type {string[]} */
  const entries = [];
  for (const name of names) {
    const installed = join(scope, name);
    const tarball = readdirSync(tarballs).find((file) => file.startsWith(`gossip-log-${name}-`));
    if (tarball === undefined) {
      problems.push(`${name} was not packed`);
      continue;
    }
    mkdirSync(installed);
    execFileSync('tar', ['-xzf', join(tarballs, tarball), '-C', installed, '--strip-components=1']);
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      if (dependency.startsWith('@gossip-log/')) continue;
      link(join(root, 'packages', name, 'node_modules', dependency), join(installed, 'node_modules', dependency));
    }
    for (const path of Object.keys(manifest.exports)) entries.push(`@gossip-log/${name}${path.slice(1)}`);

    const { messages } = await publint({ pkgDir: installed, level: 'suggestion', strict: true, pack: false });
    problems.push(...messages.map((message) => `publint ${name}: ${formatMessage(message, manifest)}`));
    problems.push(...(await typeProblems(join(tarballs, tarball))).map((problem) => `attw ${name}: ${problem}`));
  }
  for (const peer of peers) link(join(root, 'node_modules', peer), join(folder, 'node_modules', peer));

  // Every entry loads on Node: browsers' entries too, because server rendering imports them.
  writeFileSync(
    join(folder, 'program.mjs'),
    `${entries.map((entry, index) => `import * as entry${index} from '${entry}';`).join('\n')}
import { lmdbStorage } from '@gossip-log/storage/lmdb';

for (const [name, entry] of Object.entries({ ${entries.map((entry, index) => `'${entry}': entry${index}`).join(', ')} })) {
  if (Object.keys(entry).length === 0) throw new Error(name + ' exports nothing');
}
const value = new Uint8Array([1, 2, 3]);
let storage = lmdbStorage({ path: './data' });
await storage.setMetadata('key', value);
await storage.close();
storage = lmdbStorage({ path: './data' });
const kept = await storage.getMetadata('key');
await storage.close();
if (String(kept) !== String(value)) throw new Error('LMDB gave back ' + kept);
`,
  );
  await must([process.execPath, 'program.mjs'], { cwd: folder });

  const recipe = join(root, 'test/jest');
  for (const name of ['jest.config.cjs', 'room.test.js']) {
    const text = readFileSync(join(recipe, name), 'utf8');
    if (!readFileSync(join(root, 'docs/environments.md'), 'utf8').includes(text)) {
      problems.push(`docs/environments.md does not hold test/jest/${name} as it is`);
    }
    writeFileSync(join(folder, name), text);
  }
  const { devDependencies } = JSON.parse(readFileSync(join(recipe, 'package.json'), 'utf8'));
  for (const name of Object.keys(devDependencies)) {
    const path = join(folder, 'node_modules', name);
    if (!existsSync(path)) link(join(recipe, 'node_modules', name), path);
  }
  await must([process.execPath, join(folder, 'node_modules/jest/bin/jest.js'), '--no-cache'], { cwd: folder });
} finally {
  rmSync(folder, { recursive: true, force: true });
}

if (problems.length > 0) {
  console.log(problems.join('\n\n'));
  process.exitCode = 1;
}
