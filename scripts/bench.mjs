/**
 * `npm run bench [-- workload … system …]`: installs and builds what is measured, then becomes the benchmark. Peers are
 * installed only where one is asked for. `--smoke` runs everything small, `--runs 1` is a quick look.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureChromium } from './chromium.mjs';
import { installAndBuild } from './install-and-build.mjs';
import { root, stage } from './run.mjs';

const peers = join(root, 'bench/peers');
const asked = process.argv.slice(2);
/** Workloads and systems that need no peers. */
const wantsPeers = !asked.some((name) => name === 'gossip-log' || name === 'floor') || asked.includes('--compare');

async function installPeers() {
  if (!wantsPeers || existsSync(join(peers, 'node_modules/.package-lock.json'))) return true;
  return stage('install the peers', [['npm', 'ci', '--prefix', peers, '--no-audit', '--no-fund']], {
    advice: 'bench/peers has a lockfile of its own; one of its packages is native and may be compiled.',
  });
}

if ((await installAndBuild('bench...')) && (await installPeers())) {
  process.env.CHROMIUM_PATH = await ensureChromium();
  const program = join(root, 'bench/dist/main.js');
  process.chdir(root);
  process.argv = [process.execPath, program, ...asked];
  await import(pathToFileURL(program).href);
} else {
  process.exitCode = 1;
}
