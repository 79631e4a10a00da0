/** What `npm start` and `npm run dev` share: install, build what the chat needs, become its server. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { installAndBuild } from './install-and-build.mjs';
import { root } from './run.mjs';

/**
 * Installs and builds, then runs the chat's server in this very process: signals reach it without anyone to forward
 * them, and nothing is left behind.
 *
 * @param {{ filter: string, flags: readonly string[] }} options `filter`: what turbo builds; `flags`: for the server.
 */
export async function serveChat({ filter, flags }) {
  if (!(await installAndBuild(filter))) {
    process.exitCode = 1;
    return;
  }
  const server = join(root, 'apps/chat/server.mjs');
  process.chdir(root);
  process.argv = [process.execPath, server, ...flags];
  await import(pathToFileURL(server).href);
}
