/**
 * Runs the commands of one stage, quietly: a line with the title and the time it took; the output only where it fails.
 * Children form process groups of their own, so that a signal to us ends all of them and leaves no orphan.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const onWindows = process.platform === 'win32';

/** pnpm in the version that package.json names, through npx: it need not be installed. */
export const pnpm = ['npx', '--yes', packageManager];
/** Answers a question about wiping another version's node_modules with yes: nobody is there to ask. */
export const install = [...pnpm, 'install', '--frozen-lockfile', '--config.confirmModulesPurge=false'];
/** turbo calls pnpm by its name, which `pnpm exec` puts on the PATH. */
export const turbo = [...pnpm, 'exec', 'turbo', 'run', '--output-logs=errors-only', '--ui=stream'];
/** Checks all types and writes the packages' declarations, which only their users need. */
export const types = [process.execPath, 'scripts/types.mjs'];

const environment = {
  ...process.env,
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  npm_config_update_notifier: 'false',
  npm_config_loglevel: 'error',
  // `production` would leave out the tools that build, and vitest sets its own.
  NODE_ENV: undefined,
};

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();

/** @param {NodeJS.Signals} signal */
function signalChildren(signal) {
  for (const child of children) {
    if (child.pid === undefined) continue;
    try {
      if (onWindows) child.kill(signal);
      else process.kill(-child.pid, signal);
    } catch {
      // It ended between the two lines.
    }
  }
}

/** @type {Record<string, number>} */
const exitCodes = { SIGINT: 130, SIGTERM: 143 };
/** Time for children to stop by themselves. */
const stopMsMax = 5_000;
/** Set by a signal: what to exit with once the last child is gone. @type {number | undefined} */
let exitCode;

/** @param {NodeJS.Signals} signal */
function stop(signal) {
  exitCode = exitCodes[signal];
  signalChildren(signal);
  setTimeout(() => signalChildren('SIGKILL'), stopMsMax);
}

/** @param {'on' | 'off'} verb */
function handleSignals(verb) {
  process[verb]('SIGINT', stop);
  process[verb]('SIGTERM', stop);
}

/**
 * Runs one command to its end. Output is kept, or shown as it comes with `live`.
 *
 * @param {readonly string[]} command
 * @param {{ live?: boolean, env?: Record<string, string>, cwd?: string, msMax?: number }} [options]
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export function run(command, { live = false, env = {}, cwd = root, msMax } = {}) {
  const [file, ...args] = command;
  if (file === undefined) throw new TypeError('command must name a program');
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...environment, ...env },
      stdio: ['ignore', live ? 'inherit' : 'pipe', live ? 'inherit' : 'pipe'],
      detached: !onWindows,
      shell: onWindows,
    });
    if (children.size === 0) handleSignals('on');
    children.add(child);
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    const timer =
      msMax === undefined
        ? undefined
        : setTimeout(() => {
            output += `\nstopped after ${msMax / 1000} s`;
            signalChildren('SIGKILL');
          }, msMax);
    /** @param {boolean} ok */
    const finish = (ok) => {
      clearTimeout(timer);
      children.delete(child);
      if (exitCode !== undefined && children.size === 0) process.exit(exitCode);
      if (children.size === 0) handleSignals('off');
      resolve({ ok, output });
    };
    child.once('error', (error) => {
      output += `${file}: ${error.message}\n`;
      finish(false);
    });
    child.once('close', (code) => finish(code === 0));
  });
}

/**
 * Runs the commands of a stage one after another, until one fails.
 *
 * @param {string} title
 * @param {readonly (readonly string[])[]} commands
 * @param {{ live?: boolean, env?: Record<string, string>, advice?: string }} [options] `advice` is shown when it fails.
 * @returns {Promise<boolean>} whether all went well
 */
export async function stage(title, commands, { live = false, env = {}, advice } = {}) {
  const startedAt = performance.now();
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  console.log(live ? `\n▸ ${title}` : `▸ ${title} …`);
  for (const command of commands) {
    const { ok, output } = await run(command, { live, env });
    if (ok) continue;
    console.log(output);
    console.log(`✗ ${title} failed after ${seconds()}: ${command.join(' ')}`);
    if (advice !== undefined) console.log(`  ${advice}`);
    return false;
  }
  console.log(`✓ ${title} (${seconds()})`);
  return true;
}
