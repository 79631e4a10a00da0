/** What everything that runs a build needs first: the dependencies, and the build itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { install, root, stage, turbo } from './run.mjs';

/** Does node_modules hold what the lockfile names? pnpm keeps a copy of the lockfile that it installed. */
function isInstalled() {
  try {
    const [wanted, installed] = ['pnpm-lock.yaml', 'node_modules/.pnpm/lock.yaml'].map((path) =>
      readFileSync(join(root, path), 'utf8'),
    );
    return wanted === installed;
  } catch {
    return false;
  }
}

/**
 * Installs where the lockfile says that something is missing, and builds.
 *
 * @param {string} filter what turbo builds
 * @returns {Promise<boolean>} whether all went well
 */
export async function installAndBuild(filter) {
  return (
    (isInstalled() ||
      (await stage('install', [install], {
        advice: 'Is the package registry reachable, and is there room on the disk? Then try again.',
      }))) &&
    (await stage('build', [[...turbo, 'build', `--filter=${filter}`]], {
      advice: 'The output above names the file that does not build.',
    }))
  );
}
