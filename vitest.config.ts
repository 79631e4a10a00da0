/**
 * All tests of the repository, in four projects: `unit` (Node), `dom` (components, happy-dom), `browser` (real
 * Chromium), `e2e` (Node drives browsers and attacks against the real relay).
 *
 * Workspace packages resolve to their source through a condition of their own, for Node and for browsers alike: no
 * test can run yesterday's build.
 */
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { chromiumArguments, findChromium } from './scripts/chromium.mjs';

const source = '@gossip-log/source';
// Setting conditions replaces Vite's own: these are its defaults, after ours.
const resolve = { conditions: [source, 'module', 'browser', 'development|production'] };
const ssr = { resolve: { conditions: [source, 'module', 'node', 'development|production'] } };

const seed = process.env['SEED'] === undefined ? undefined : Number(process.env['SEED']);
if (seed !== undefined && !Number.isSafeInteger(seed)) {
  throw new RangeError(`SEED must be an integer, got ${process.env['SEED']}`);
}

// Set for the whole run too: there vitest prints the seed of the order.
const sequence = { shuffle: { tests: true, files: false }, seed: seed ?? Date.now() % 1_000_000 };
const shared = {
  setupFiles: ['test/setup/seed.ts'],
  provide: { seed },
  sequence,
};
const notHere = ['**/node_modules/**', '**/dist/**'];
const chromium = findChromium();

export default defineConfig({
  test: {
    // As many as the smallest machine that we care for has cores.
    maxWorkers: 2,
    sequence,
    allowOnly: false,
    // A run without a test is a mistake in a pattern, not a success.
    passWithNoTests: false,
    projects: [
      {
        resolve,
        ssr,
        test: {
          ...shared,
          name: 'unit',
          environment: 'node',
          include: ['{packages,apps,bench}/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: [...notHere, '**/*.browser.test.ts', 'test/e2e/**', 'test/attack/attack.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          ...shared,
          name: 'dom',
          environment: 'happy-dom',
          include: ['{packages,apps}/**/*.test.tsx'],
          exclude: [...notHere, '**/*.browser.test.tsx'],
          testTimeout: 30_000,
        },
      },
      {
        resolve,
        test: {
          ...shared,
          name: 'browser',
          include: ['{packages,apps}/**/*.browser.test.{ts,tsx}'],
          exclude: notHere,
          testTimeout: 60_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                args: chromiumArguments(),
                ...(chromium === undefined ? {} : { executablePath: chromium }),
              },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'e2e',
          environment: 'node',
          include: ['test/e2e/**/*.test.ts', 'test/attack/attack.test.ts'],
          // Relays and browsers side by side would share two cores and measure one another.
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
