/**
 * `npm run tarballs`: packs the packages for an app outside this repository, as long as they are not on npm. Each folder
 * in `tarballs` holds what one purpose needs and nothing else: npm installs all that it is given.
 */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { installAndBuild } from './install-and-build.mjs';
import { comesWith, packages, packInto, purposes, tarballOf } from './pack.mjs';
import { root, stage, types } from './run.mjs';

const folder = join(root, 'tarballs');
const all = join(folder, 'all');

// Declarations of sources that are gone would be packed too.
for (const name of packages) rmSync(join(root, 'packages', name, 'types'), { recursive: true, force: true });
rmSync(folder, { recursive: true, force: true });
const packed =
  (await installAndBuild('./packages/*')) &&
  (await stage('declarations', [types], { advice: 'The output above names what does not compile.' })) &&
  (await stage('pack', [packInto(all)], { advice: 'Is there room on the disk?' }));
if (!packed) process.exit(1);

for (const purpose of purposes) {
  mkdirSync(join(folder, purpose));
  for (const name of comesWith(purpose)) {
    const tarball = tarballOf(all, name);
    if (tarball === undefined) throw new Error(`${name} was not packed`);
    copyFileSync(join(all, tarball), join(folder, purpose, tarball));
  }
}
rmSync(all, { recursive: true });
console.log(`
In the folder of your app, install what you need:

  npm install react react-dom zustand ${join(folder, 'react')}/*.tgz
  npm install ${join(folder, 'relay')}/*.tgz
  npm install --save-dev fast-check ${join(folder, 'testing')}/*.tgz`);
