import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';
import { compressedFiles } from './compressed-files.js';
import { serviceWorker } from './offline/vite-plugin.js';

export default defineConfig({
  plugins: [react(), serviceWorker(), compressedFiles()],
  // Workspace packages are bundled from their source: no stale builds, and only what the chat uses.
  resolve: { conditions: ['@gossip-log/source', ...defaultClientConditions] },
  build: {
    target: 'es2022',
    // The style sheet uses light-dark() and nesting as they are.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    sourcemap: true,
    // A data: URL would need a wider content security policy.
    assetsInlineLimit: 0,
  },
});
