/** Packs the packages as their users get them, and says which of them, and what else, comes with which. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pnpm, root } from './run.mjs';

/**
 * @typedef {object} Manifest
 * @property {string} name
 * @property {readonly string[]} [keywords]
 * @property {Readonly<Record<string, unknown>>} exports
 * @property {Readonly<Record<string, string>>} [scripts]
 * @property {Readonly<Record<string, string>>} [dependencies]
 * @property {Readonly<Record<string, string>>} [optionalDependencies]
 * @property {Readonly<Record<string, string>>} [peerDependencies]
 * @property {Readonly<Record<string, { optional?: boolean }>>} [peerDependenciesMeta]
 */

const scope = '@gossip-log/';

/** The folders of the packages, which are also their names without the scope. */
export const packages = readdirSync(join(root, 'packages')).sort();

/** What an install is for: each is a package that brings all else. */
export const purposes = packages.filter((name) => ['react', 'relay', 'testing'].includes(name));

/** @param {string} folder @returns {Manifest} */
export const readManifest = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** The command that packs all packages. @param {string} folder is made */
export function packInto(folder) {
  mkdirSync(folder, { recursive: true });
  return [...pnpm, '--recursive', '--filter=./packages/*', 'pack', '--pack-destination', folder];
}

/** The tarball of a package among those in a folder. @param {string} folder @param {string} name */
export const tarballOf = (folder, name) => readdirSync(folder).find((file) => file.startsWith(`gossip-log-${name}-`));

/**
 * What npm installs because of a package: its dependencies, and peers unless they are optional.
 *
 * @param {Manifest} manifest
 */
export function broughtBy({ dependencies, optionalDependencies, peerDependencies = {}, peerDependenciesMeta = {} }) {
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
  return [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers];
}

/**
 * The packages of ours that come with one of them, itself included.
 *
 * @param {string} name
 * @returns {string[]}
 */
export function comesWith(name) {
  const names = new Set([name]);
  for (const each of names) {
    for (const brought of broughtBy(readManifest(join(root, 'packages', each)))) {
      if (brought.startsWith(scope)) names.add(brought.slice(scope.length));
    }
  }
  return [...names].sort();
}
