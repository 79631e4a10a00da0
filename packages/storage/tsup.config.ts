import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/memory.ts', 'src/lmdb.ts', 'src/indexeddb.ts', 'src/contract.ts'],
  format: 'esm',
  target: 'es2022',
  sourcemap: true,
  clean: true,
});
