import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    sync: 'src/sync/index.ts',
    view: 'src/view/index.ts',
    structured: 'src/codec/structured.ts',
  },
  format: 'esm',
  target: 'es2022',
  sourcemap: true,
  clean: true,
});
