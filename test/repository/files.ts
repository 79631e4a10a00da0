/** The files of the repository: what git knows, and what it would add. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Paths relative to the root, sorted. */
export const files: readonly string[] = execFileSync(
  'git',
  ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
  { cwd: root, encoding: 'utf8' },
)
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(root, path)))
  .sort();

export const read = (path: string): string => readFileSync(join(root, path), 'utf8');

export const isTest = (path: string): boolean => /\.test\.tsx?$|(^|\/)test\//.test(path);

/** The shipped sources of the packages: no tests. */
export const sources = files.filter((path) => /^packages\/[^/]+\/src\/.*\.tsx?$/.test(path) && !isTest(path));

export const packageFolders = files
  .filter((path) => /^packages\/[^/]+\/package\.json$/.test(path))
  .map((path) => path.slice(0, -13));
