/**
 * Checks all types and writes the packages' declarations into their `types` folders. tsc goes by what changed in the
 * projects alone: after another install it is told to begin from nothing.
 */
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './run.mjs';

const lockfile = join(root, 'pnpm-lock.yaml');
/** The lockfile of the last check that found nothing wrong. */
const checked = join(root, 'node_modules/.cache/types-lock.yaml');

function isInstalledAsChecked() {
  try {
    return readFileSync(lockfile).equals(readFileSync(checked));
  } catch {
    return false;
  }
}

const force = isInstalledAsChecked() ? [] : ['--force'];
rmSync(checked, { force: true });
const { ok, output } = await run(['node_modules/.bin/tsc', '--build', '.', 'apps/chat', 'bench', ...force]);
if (ok) copyFileSync(lockfile, checked);
else {
  console.log(output);
  process.exitCode = 1;
}
