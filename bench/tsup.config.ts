import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/main.ts'],
  format: 'esm',
  target: 'node20',
  // What is measured is the build that users install, so it is not bundled.
  external: [/^@gossip-log\//],
  sourcemap: true,
  clean: true,
});
