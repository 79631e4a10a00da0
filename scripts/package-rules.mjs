/** What the manifest and the files of every published package owe its users. Functions over plain data: see their tests. */

/** Fields that say where the project lives. It has no public address yet: any would be somebody else's. */
const addresses = ['repository', 'homepage', 'bugs'];

/**
 * @param {import('./pack.mjs').Manifest & Readonly<Record<string, unknown>>} manifest as it is published
 * @returns {string[]} what is wrong with it
 */
export function manifestProblems(manifest) {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, exports, keywords = [] } = manifest;
  /** @type {string[]} */
  const problems = [];
  for (const field of ['name', 'version', 'description', 'license', 'engines']) {
    if (manifest[field] === undefined) problems.push(`no ${field}`);
  }
  if (keywords.length < 5) problems.push('fewer than five keywords');
  if (exports['./package.json'] !== './package.json') problems.push('does not export ./package.json');
  for (const field of addresses) {
    if (manifest[field] !== undefined) problems.push(`${field}: the project has no public address`);
  }
  const libraries = Object.entries({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  for (const [name, range] of libraries) {
    if (name.startsWith('@gossip-log/')) continue;
    if (!range.split(' || ').every((part) => /^\^\d+\.\d+\.\d+$/.test(part))) {
      problems.push(`${name} ${range}: not a caret range, so an app may get a second copy, or an untested version`);
    }
  }
  // One copy must serve: what their users import beside us, and what exists once in a program.
  for (const name of ['react', 'zustand', 'fast-check', 'vitest', 'lmdb']) {
    if (name in dependencies && !(name === 'lmdb' && manifest.name === '@gossip-log/relay')) {
      problems.push(`${name} is a dependency: it must be a peer`);
    }
  }
  return problems;
}

/**
 * @param {readonly string[]} files what the tarball holds
 * @param {(file: string) => string} read
 * @param {string} license the repository's
 * @returns {string[]} what is wrong with it
 */
export function packedProblems(files, read, license) {
  /** @type {string[]} */
  const problems = [];
  for (const file of ['README.md', 'LICENSE', 'package.json']) {
    if (!files.includes(file)) problems.push(`no ${file}`);
  }
  if (files.includes('LICENSE') && read('LICENSE') !== license) problems.push("LICENSE is not the repository's");
  for (const file of files) {
    if (/\.[cm]?tsx?$/.test(file) && !file.endsWith('.d.ts')) problems.push(`${file}: maps hold the sources already`);
    if (/(^|\/)test\/|\.test\.|pinned/.test(file)) problems.push(`${file}: is for our own tests`);
    if (!file.endsWith('.map')) continue;
    /** @type {{ sources: string[], sourcesContent?: (string | null)[] }} */
    const { sources, sourcesContent = [] } = JSON.parse(read(file));
    if (sources.some((_, i) => typeof sourcesContent[i] !== 'string')) problems.push(`${file}: lacks sources`);
    const ours = sources.filter((source) => /(^|\/)test\/|\.test\.|pinned/.test(source));
    problems.push(...ours.map((source) => `${file}: holds ${source}, which is for our own tests`));
  }
  return problems;
}
