import { expect, test } from 'vitest';
import { findChromium } from './chromium.mjs';

/** A machine on which `programs` can be run and nothing else is there. */
function machine(programs: readonly string[], env: Record<string, string> = {}, platform: NodeJS.Platform = 'linux') {
  return {
    env: { PATH: '/usr/local/bin:/usr/bin', ...env },
    home: '/home/someone',
    platform,
    isExecutable: (path: string) => programs.includes(path),
    list: (folder: string) => [
      ...new Set(
        programs
          .filter((path) => path.startsWith(`${folder}/`))
          .map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''),
      ),
    ],
  };
}

const cache = '/home/someone/.cache/ms-playwright';

test('CHROMIUM_PATH comes before everything else', () => {
  const env = { CHROMIUM_PATH: '/opt/own' };
  expect(findChromium(machine(['/usr/bin/chromium', '/opt/own'], env))).toBe('/opt/own');
});

test('a CHROMIUM_PATH that cannot be run is not replaced by another browser', () => {
  expect(findChromium(machine(['/usr/bin/chromium'], { CHROMIUM_PATH: '/opt/gone' }))).toBeUndefined();
});

test('the system comes before the cache, chromium before chrome, whatever the folder', () => {
  const programs = [`${cache}/chromium-9/chrome-linux/chrome`, '/usr/local/bin/google-chrome', '/usr/bin/chromium'];
  expect(findChromium(machine(programs))).toBe('/usr/bin/chromium');
});

test('of the cached ones the newest is taken, by number and not by letter', () => {
  const programs = [`${cache}/chromium-999/chrome-linux/chrome`, `${cache}/chromium-1200/chrome-linux64/chrome`];
  expect(findChromium(machine(programs))).toBe(`${cache}/chromium-1200/chrome-linux64/chrome`);
});

test('PLAYWRIGHT_BROWSERS_PATH moves the cache', () => {
  const program = '/browsers/chromium-1200/chrome-linux64/chrome';
  expect(findChromium(machine([program], { PLAYWRIGHT_BROWSERS_PATH: '/browsers' }))).toBe(program);
  expect(findChromium(machine([program]))).toBeUndefined();
});

test('macOS: the application and the cache of that system', () => {
  const application = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
  expect(findChromium(machine([application], {}, 'darwin'))).toBe(application);
  expect(findChromium(machine([application]))).toBeUndefined();
});

test('nothing there gives nothing', () => {
  expect(findChromium(machine([]))).toBeUndefined();
});
