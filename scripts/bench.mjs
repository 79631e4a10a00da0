/**
 * `npm run bench -- core [workload …]`: builds what is measured, then becomes the benchmark. `--runs 3` for a quick
 * look.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { installAndBuild } from './install-and-build.mjs';
import { root } from './run.mjs';

if (await installAndBuild('bench...')) {
  const program = join(root, 'bench/dist/main.js');
  process.chdir(root);
  process.argv = [process.execPath, program, ...process.argv.slice(2)];
  await import(pathToFileURL(program).href);
} else {
  process.exitCode = 1;
}
