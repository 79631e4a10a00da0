/** `npm run tarballs`: packs the packages, as long as they are not on npm, for use in an app of one's own. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { installAndBuild } from './install-and-build.mjs';
import { pnpm, root, stage } from './run.mjs';

const folder = join(root, 'tarballs');

if (!(await installAndBuild('./packages/*'))) process.exit(1);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const pack = [...pnpm, '--recursive', '--filter=./packages/*', 'pack', '--pack-destination', folder];
if (!(await stage('pack', [pack], { advice: 'Is there room on the disk?' }))) process.exit(1);

const count = readdirSync(folder).length;
console.log(`${count} packages are in tarballs. In the folder of your app, with react and react-dom installed:\n`);
console.log(`  npm install ${join(folder, '*.tgz')}`);
