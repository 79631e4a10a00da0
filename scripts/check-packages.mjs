/**
 * Checks the packages as their users get them: packs each, looks at its manifest and its files, lints the tarball, and
 * loads it in an empty folder for each purpose. Such a folder holds what npm would install there and nothing else, so a
 * forgotten dependency shows, and so does a library that was bundled although it must not be (LMDB loses its native
 * part that way while every test of the source passes).
 *
 * Then the recipe for Jest runs in the folder of a web app, as docs/environments.md gives it.
 *
 * Needs the builds and the declarations; needs no network.
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
import { broughtBy, comesWith, packages, packInto, purposes, readManifest, tarballOf } from './pack.mjs';
import { manifestProblems, packedProblems } from './package-rules.mjs';
import { root, run } from './run.mjs';

/** Entries that a purpose installs and cannot load, because they need an optional peer. */
const withoutPeer = {
  react: ['storage/contract', 'storage/lmdb', 'transport/contract'],
  relay: ['storage/contract', 'transport/contract'],
  testing: ['storage/lmdb'],
};
/** Optional peers that a purpose's README says to install. */
const optionalPeers = { react: [], relay: [], testing: ['vitest'] };
/** Purposes that may install native code. */
const mayBeNative = ['relay'];

/** @type {string[]} */
const problems = [];
const folder = mkdtempSync(join(tmpdir(), 'gossip-log-packages-'));
const tarballs = join(folder, 'tarballs');

/** @param {string} name */
const unpacked = (name) => join(folder, 'unpacked', name);

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

/** @param {string} name */
async function checkTarball(name) {
  const tarball = tarballOf(tarballs, name);
  if (tarball === undefined) throw new Error(`${name} was not packed`);
  mkdirSync(unpacked(name), { recursive: true });
  execFileSync('tar', ['-xzf', join(tarballs, tarball), '-C', unpacked(name), '--strip-components=1']);
  const manifest = readManifest(unpacked(name));
  const files = readdirSync(unpacked(name), { recursive: true, encoding: 'utf8' });
  const read = (/** @type {string} */ file) => readFileSync(join(unpacked(name), file), 'utf8');
  const { messages } = await publint({ pkgDir: unpacked(name), level: 'suggestion', strict: true, pack: false });
  problems.push(
    ...manifestProblems(manifest).map((problem) => `${name}: ${problem}`),
    ...packedProblems(files, read, readFileSync(join(root, 'LICENSE'), 'utf8')).map((problem) => `${name}: ${problem}`),
    ...messages.map((message) => `publint ${name}: ${formatMessage(message, manifest)}`),
    ...(await typeProblems(join(tarballs, tarball))).map((problem) => `attw ${name}: ${problem}`),
  );
}

/** Does a library bring native code, or run a script when it is installed? @param {string} library its folder */
function isNative(library) {
  const { scripts = {}, ...manifest } = readManifest(library);
  return (
    ['preinstall', 'install', 'postinstall'].some((script) => script in scripts) ||
    'cpu' in manifest ||
    existsSync(join(library, 'binding.gyp')) ||
    readdirSync(library).some((file) => file.endsWith('.node'))
  );
}

/** The library that `from` imports under a name, as Node finds it. @param {string} from @param {string} name */
function findLibrary(from, name) {
  for (let at = from; at !== dirname(at); at = dirname(at)) {
    const library = join(at, 'node_modules', name);
    if (existsSync(library)) return realpathSync(library);
  }
  return undefined;
}

/**
 * Makes a folder with what npm installs for a purpose, flat as npm does it, and names the native libraries among it.
 *
 * @param {keyof typeof optionalPeers} purpose
 */
function installFlat(purpose) {
  const modules = join(folder, purpose, 'node_modules');
  /** @type {string[]} */
  const native = [];
  const seen = new Set();
  /** @param {string} library */
  const visit = (library) => {
    if (seen.has(library)) return;
    seen.add(library);
    if (isNative(library)) native.push(readManifest(library).name);
    for (const name of broughtBy(readManifest(library))) {
      const next = findLibrary(library, name);
      // A binary for another platform is not installed here.
      if (next !== undefined) visit(next);
    }
  };
  for (const name of comesWith(purpose)) {
    const installed = join(modules, '@gossip-log', name);
    mkdirSync(installed, { recursive: true });
    execFileSync('cp', ['-R', `${unpacked(name)}/.`, installed]);
    const brought = broughtBy(readManifest(installed)).filter((library) => !library.startsWith('@gossip-log/'));
    for (const library of [...brought, ...optionalPeers[purpose]]) {
      const found = findLibrary(join(root, 'packages', name), library) ?? findLibrary(root, library);
      if (found === undefined) throw new Error(`${name} needs ${library}, which is not installed here`);
      if (brought.includes(library)) visit(found);
      const path = join(modules, library);
      mkdirSync(dirname(path), { recursive: true });
      if (!existsSync(path)) symlinkSync(found, path);
    }
  }
  return { cwd: dirname(modules), native };
}

/** @param {string} cwd where a web app is installed */
async function checkJest(cwd) {
  const recipe = join(root, 'test/jest');
  for (const name of ['jest.config.cjs', 'room.test.js']) {
    const text = readFileSync(join(recipe, name), 'utf8');
    if (!readFileSync(join(root, 'docs/environments.md'), 'utf8').includes(text)) {
      problems.push(`docs/environments.md does not hold test/jest/${name} as it is`);
    }
    writeFileSync(join(cwd, name), text);
  }
  const { devDependencies } = JSON.parse(readFileSync(join(recipe, 'package.json'), 'utf8'));
  for (const name of Object.keys(devDependencies)) {
    const path = join(cwd, 'node_modules', name);
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) symlinkSync(realpathSync(join(recipe, 'node_modules', name)), path);
  }
  await must([process.execPath, join(cwd, 'node_modules/jest/bin/jest.js'), '--no-cache'], { cwd });
}

/** Every entry loads on Node: browsers' entries too, because server rendering imports them. */
const program = (/** @type {string} */ purpose) => {
  const missing = withoutPeer[/** @type {keyof typeof withoutPeer} */ (purpose)];
  const entries = comesWith(purpose).flatMap((name) =>
    Object.keys(readManifest(unpacked(name)).exports).map((path) => `@gossip-log/${name}${path.slice(1)}`),
  );
  return `
const missing = ${JSON.stringify(missing.map((entry) => `@gossip-log/${entry}`))};
for (const name of ${JSON.stringify(entries)}) {
  if (name.endsWith('/package.json')) {
    await import(name, { with: { type: 'json' } });
    continue;
  }
  const { error, entry } = await import(name).then((entry) => ({ entry }), (error) => ({ error }));
  if (missing.includes(name)) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error ?? new Error(name + ' loads without its peer');
  } else if (error) throw error;
  else if (Object.keys(entry).length === 0) throw new Error(name + ' exports nothing');
}`;
};
const lmdbProgram = `
const { lmdbStorage } = await import('@gossip-log/storage/lmdb');
const value = new Uint8Array([1, 2, 3]);
let storage = lmdbStorage({ path: './data' });
await storage.setMetadata('key', value);
await storage.close();
storage = lmdbStorage({ path: './data' });
const kept = await storage.getMetadata('key');
await storage.close();
if (String(kept) !== String(value)) throw new Error('LMDB gave back ' + kept);
`;

try {
  if (await must(packInto(tarballs))) {
    for (const name of packages) await checkTarball(name);
    for (const purpose of /** @type {(keyof typeof optionalPeers)[]} */ (purposes)) {
      const { cwd, native } = installFlat(purpose);
      if (!mayBeNative.includes(purpose) && native.length > 0) {
        problems.push(`an app that installs ${purpose} gets native code: ${native.join(', ')}`);
      }
      // Otherwise the search above sees nothing.
      if (mayBeNative.includes(purpose) && !native.includes('lmdb')) problems.push(`${purpose} does not bring LMDB`);
      writeFileSync(join(cwd, 'program.mjs'), program(purpose) + (purpose === 'relay' ? lmdbProgram : ''));
      await must([process.execPath, 'program.mjs'], { cwd });
      if (purpose === 'react') await checkJest(cwd);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

if (problems.length > 0) {
  console.log(problems.join('\n\n'));
  process.exitCode = 1;
}
