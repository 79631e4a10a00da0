import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/web-socket-server.ts', 'src/contract.ts'],
  format: 'esm',
  target: 'es2022',
  sourcemap: true,
  clean: true,
});
