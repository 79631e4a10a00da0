/**
 * Finds a Chromium for the browser tests, or installs one.
 *
 * Looked for in this order: `CHROMIUM_PATH`, the system's usual names on the PATH, Playwright's cache.
 */
import { accessSync, constants, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { run } from './run.mjs';

const systemNames = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'];
const macPaths = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
const cachedPaths = [
  'chrome-linux64/chrome',
  'chrome-linux/chrome',
  'chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
  'chrome-mac/Chromium.app/Contents/MacOS/Chromium',
  'chrome-win64/chrome.exe',
];
/** A download on a slow line; longer means that it hangs. */
const installMsMax = 300_000;

/**
 * @typedef {object} Machine What the search asks; tests hand in their own.
 * @property {Readonly<Record<string, string | undefined>>} env
 * @property {string} home
 * @property {NodeJS.Platform} platform
 * @property {(path: string) => boolean} isExecutable
 * @property {(path: string) => readonly string[]} list names in a folder; none where it does not exist
 */

/** @type {Machine} */
const thisMachine = {
  env: process.env,
  home: homedir(),
  platform: process.platform,
  isExecutable(path) {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  },
  list(path) {
    try {
      return readdirSync(path);
    } catch {
      return [];
    }
  },
};

/**
 * The folder in which Playwright keeps its browsers.
 *
 * @param {Machine} machine
 */
function playwrightCache({ env, home, platform }) {
  if (env.PLAYWRIGHT_BROWSERS_PATH) return env.PLAYWRIGHT_BROWSERS_PATH;
  if (platform === 'darwin') return join(home, 'Library/Caches/ms-playwright');
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? home, 'ms-playwright');
  return join(env.XDG_CACHE_HOME ?? join(home, '.cache'), 'ms-playwright');
}

/**
 * The path of a Chromium, or `undefined`. A `CHROMIUM_PATH` that does not run is not silently replaced by another.
 *
 * @param {Machine} [machine] Default: this one.
 * @returns {string | undefined}
 */
export function findChromium(machine = thisMachine) {
  const { env, isExecutable, list } = machine;
  if (env.CHROMIUM_PATH) return isExecutable(env.CHROMIUM_PATH) ? env.CHROMIUM_PATH : undefined;
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const system = systemNames.flatMap((name) => folders.map((folder) => join(folder, name)));
  const cache = playwrightCache(machine);
  const cached = list(cache)
    .filter((name) => /^chromium-\d+$/.test(name))
    .sort((a, b) => Number(b.slice(9)) - Number(a.slice(9)))
    .flatMap((name) => cachedPaths.map((path) => join(cache, name, path)));
  return [...system, ...(machine.platform === 'darwin' ? macPaths : []), ...cached].find(isExecutable);
}

/**
 * How to start it without a screen: as root it refuses its sandbox, and it must not talk to anyone by itself.
 *
 * @returns {string[]}
 */
export function chromiumArguments() {
  const asRoot = process.getuid?.() === 0;
  return [
    ...(asRoot ? ['--no-sandbox'] : []),
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
  ];
}

/**
 * Finds a Chromium, or downloads Playwright's into its cache. With `INSTALL_CHROMIUM=true` it first installs the system's
 * package, as root on Debian and its like: a system is not changed unasked.
 *
 * @returns {Promise<string>}
 * @throws {Error} one line that says what to do
 */
export async function ensureChromium() {
  const found = findChromium();
  if (found !== undefined) return found;
  if (process.env.CHROMIUM_PATH) {
    throw new Error(`CHROMIUM_PATH is ${process.env.CHROMIUM_PATH}, which cannot be run: correct it or unset it.`);
  }
  console.log('  no Chromium here: installing one');
  if (
    process.env.INSTALL_CHROMIUM === 'true' &&
    process.getuid?.() === 0 &&
    thisMachine.isExecutable('/usr/bin/apt-get')
  ) {
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    const packages = ['chromium', 'fonts-noto-color-emoji', 'fonts-noto-core'];
    await run(['apt-get', 'update'], { env, msMax: installMsMax });
    await run(['apt-get', 'install', '-y', '--no-install-recommends', ...packages], { env, msMax: installMsMax });
  }
  if (findChromium() === undefined) {
    await run([process.execPath, 'node_modules/playwright/cli.js', 'install', 'chromium'], { msMax: installMsMax });
  }
  const installed = findChromium();
  if (installed === undefined) {
    throw new Error(
      'No Chromium found, and none could be downloaded. Install one (on Debian `apt-get install chromium`, or as root ' +
        '`INSTALL_CHROMIUM=true npm test`), or set CHROMIUM_PATH to its program.',
    );
  }
  return installed;
}
