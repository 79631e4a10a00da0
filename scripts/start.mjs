/** `npm start`: the chat and its relay on one port, from nothing but Node and npm. */
import { serveChat } from './chat.mjs';

await serveChat({ filter: 'chat...', flags: process.argv.slice(2) });
