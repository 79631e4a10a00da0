/**
 * `npm run bench [-- workload … system …]`: installs and builds what is measured, then becomes the benchmark. Peers are
 * installed only where one is asked for. `--smoke` runs everything small, `--runs 1` is a quick look.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureChromium } from './chromium.mjs';
import { installAndBuild } from './install-and-build.mjs';
import { root, stage } from './run.mjs';

const peers = join(root, 'bench/peers');
const asked = process.argv.slice(2);
const peerNames = ['yjs', 'automerge', 'loro', 'cojson', 'canvas-gossiplog', 'orbitdb', 'tanstack-db'];
/** Where nobody is named, all take part. */
const wantsPeers =
  asked.some((name) => peerNames.includes(name)) || !asked.some((name) => ['gossip-log', 'floor'].includes(name));

/** npm leaves its own lockfile beside what it installed: an older one is of an older lockfile of ours. */
function arePeersInstalled() {
  const [wanted, installed] = ['package-lock.json', 'node_modules/.package-lock.json'].map(
    (path) => statSync(join(peers, path), { throwIfNoEntry: false })?.mtimeMs ?? 0,
  );
  return Number(installed) > Number(wanted);
}

async function installPeers() {
  if (!wantsPeers || arePeersInstalled()) return true;
  // Not `npm ci`, which demands the binaries of every platform in the lockfile. What is locked stays as it is.
  const command = ['npm', 'install', '--no-save', '--prefix', peers, '--no-audit', '--no-fund'];
  // One of their packages is native and may have to be compiled: where that fails, the others can be measured.
  return (
    (await stage('install the peers', [command])) ||
    (await stage('install the peers, those left out that must be compiled', [[...command, '--ignore-scripts']], {
      advice: 'Is the package registry reachable? `npm run bench -- gossip-log floor` needs no peers.',
    }))
  );
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
