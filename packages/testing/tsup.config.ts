import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/contracts.ts'],
  format: 'esm',
  target: 'es2022',
  sourcemap: true,
  clean: true,
});
