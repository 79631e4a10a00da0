/**
 * `npm run dev`: as `npm start`, with hot reload. The browser reads the packages' source; Node cannot, so the relay
 * runs from a build made at the start.
 */
import { serveChat } from './chat.mjs';

await serveChat({ filter: 'chat^...', flags: ['--dev', ...process.argv.slice(2)] });
