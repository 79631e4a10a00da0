/** A Vite plugin that writes `/service-worker.js`: the names of all built files, then the service worker itself. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const source = new URL('./service-worker.js', import.meta.url);

/** @returns {import('vite').Plugin} */
export function serviceWorker() {
  return {
    name: 'service-worker',
    apply: 'build',
    writeBundle({ dir = 'dist' }) {
      const built = readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.name.endsWith('.map'))
        .map((entry) => join(entry.parentPath, entry.name).slice(dir.length).replaceAll('\\', '/'))
        .filter((path) => path !== '/service-worker.js')
        .sort();
      const code = readFileSync(source, 'utf8');
      const hash = createHash('sha256').update(code);
      for (const path of built) hash.update(path).update(readFileSync(join(dir, path)));
      const page = {
        version: hash.digest('hex').slice(0, 16),
        files: built.map((path) => (path === '/index.html' ? '/' : path)),
      };
      writeFileSync(join(dir, 'service-worker.js'), `const page = ${JSON.stringify(page)};\n${code}`);
    },
  };
}
