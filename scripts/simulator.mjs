/**
 * Bundles the simulator with all that it simulates into one file, with changes made on the way: smaller limits, so that
 * short runs meet every bound, and mutants. A change whose text is not found exactly once is an error.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { root } from './run.mjs';

/** @typedef {{ readonly file: string, readonly find: string, readonly replace: string }} Change */
/** @typedef {typeof import('../packages/testing/src/sim/index.js')} Simulator */

const limitsFile = 'packages/core/src/limits.ts';

/** Limits that short runs meet, as changes of `limits.ts`. @returns {Change[]} */
export function smallLimits() {
  const text = readFileSync(join(root, limitsFile), 'utf8');
  const small = JSON.parse(readFileSync(join(root, 'packages/testing/src/sim/small-limits.json'), 'utf8'));
  return Object.entries(small).map(([name, value]) => {
    const find = new RegExp(`^export const ${name} = .*;$`, 'm').exec(text)?.[0];
    if (find === undefined) throw new Error(`${limitsFile}: no limit ${name}`);
    return { file: limitsFile, find, replace: `export const ${name} = ${value};` };
  });
}

/**
 * A file's text with the changes that belong to it.
 *
 * @param {string} file
 * @param {readonly Change[]} changes
 */
export function changed(file, changes) {
  let text = readFileSync(join(root, file), 'utf8');
  for (const { find, replace } of changes.filter((change) => change.file === file)) {
    const found = text.split(find).length - 1;
    if (found !== 1) throw new Error(`${file}: found ${found} times, expected once: ${find}`);
    text = text.replace(find, () => replace);
  }
  return text;
}

/**
 * Builds and imports a simulator of its own.
 *
 * @param {readonly Change[]} [changes]
 * @returns {Promise<Simulator>}
 */
export async function loadSimulator(changes = []) {
  return load('packages/testing/src/sim/index.ts', changes);
}

/** The plans that show what the simulator has found. @returns {Promise<readonly import('../packages/testing/test/pinned-plans.js').PinnedPlan[]>} */
export async function loadPinnedPlans() {
  const { pinnedPlans } = await load('packages/testing/test/pinned-plans.ts', []);
  return pinnedPlans;
}

/** @param {string} entry @param {readonly Change[]} changes */
async function load(entry, changes) {
  const folder = mkdtempSync(join(tmpdir(), 'gossip-log-simulator-'));
  try {
    const outfile = join(folder, 'bundle.mjs');
    await build({
      entryPoints: [join(root, entry)],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      conditions: ['@gossip-log/source'],
      sourcemap: 'inline',
      logLevel: 'silent',
      plugins: [
        {
          name: 'changes',
          setup({ onLoad }) {
            for (const file of new Set(changes.map((change) => change.file))) {
              const path = join(root, file);
              const filter = new RegExp(`${path.replaceAll(/[.\\/]/g, '\\$&')}$`);
              onLoad({ filter }, () => ({ contents: changed(file, changes), loader: 'ts' }));
            }
          },
        },
      ],
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
