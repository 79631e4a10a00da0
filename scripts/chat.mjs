/** What `npm start` and `npm run dev` share: install, build what the chat needs, become its server. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
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
 * Installs and builds, then runs the chat's server in this very process: signals reach it without anyone to forward
 * them, and nothing is left behind.
 *
 * @param {{ filter: string, flags: readonly string[] }} options `filter`: what turbo builds; `flags`: for the server.
 */
export async function serveChat({ filter, flags }) {
  const ready =
    (isInstalled() ||
      (await stage('install', [install], {
        advice: 'Is the package registry reachable, and is there room on the disk? Then try again.',
      }))) &&
    (await stage('build', [[...turbo, 'build', `--filter=${filter}`]], {
      advice: 'The output above names the file that does not build.',
    }));
  if (!ready) {
    process.exitCode = 1;
    return;
  }
  const server = join(root, 'apps/chat/server.mjs');
  process.chdir(root);
  process.argv = [process.execPath, server, ...flags];
  await import(pathToFileURL(server).href);
}
