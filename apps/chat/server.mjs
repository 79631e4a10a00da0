/**
 * The chat on one port: its page, the relay at `/sync`, and `/healthz` (200, or 503 while it cannot store).
 *
 *     PORT=4400 HOST=127.0.0.1 DATA_DIR=./data node apps/chat/server.mjs [--dev]
 *
 * `PORT` default 4400, 0 takes a free one. `HOST` default 127.0.0.1, which only this machine reaches; at another address, such
 * as 0.0.0.0, everybody who reaches it may read and write. `DATA_DIR` default `./data`, relative to the repository. `--dev` serves the
 * page from its source, with hot reload. SIGINT and SIGTERM stop it with exit code 0, within two seconds.
 */
import { createServer } from 'node:http';
import { dirname, extname, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRelay } from '@gossip-log/relay';
import serveStatic from 'serve-static';
import { compressedTypes } from './compressed-files.js';

const here = dirname(fileURLToPath(import.meta.url));
const dev = process.argv.includes('--dev');
const host = process.env.HOST || '127.0.0.1';
const dataDir = resolve(here, '../..', process.env.DATA_DIR || 'data');
/** Peers that do not say goodbye within this time are cut off. */
const closeMsMax = 1500;

/** Nothing from elsewhere, nothing inline, no framing. Sockets of the same origin are `'self'`. */
const pageHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

try {
  await serve(readPort());
} catch (error) {
  console.error(`The chat cannot start: ${explain(error)}`);
  process.exit(1);
}

/** @param {number} port */
async function serve(port) {
  /** @type {import('node:http').RequestListener} */
  let page = (_request, response) => {
    response.writeHead(503).end();
  };
  const server = createServer((request, response) => page(request, response));
  // Before the data is touched: a second server on this port most likely means the same data.
  await listen(server, port, host);

  const relay = await createRelay({
    server,
    path: '/sync',
    dataDir,
    // Whom the address lets in may read and write.
    open: true,
    onError: (error) => console.error(`relay: ${error.message}`),
  });
  const pages = dev ? await developmentPages(server) : builtPages();
  page = (request, response) => {
    if (request.url !== '/healthz') return pages.serve(request, response);
    const { storing } = relay.metrics();
    response.writeHead(storing ? 200 : 503, { 'content-type': 'text/plain' }).end(storing ? 'ok\n' : 'cannot store\n');
  };

  let stopping = false;
  const stop = () => {
    // npm passes Ctrl-C on to a process that the terminal has told already.
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(0), closeMsMax).unref();
    server.close();
    Promise.all([relay.close(), pages.close()])
      .then(() => {
        server.closeAllConnections();
        process.exit(0);
      })
      .catch((error) => {
        console.error(`The chat did not stop cleanly: ${explain(error)}`);
        process.exit(1);
      });
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);

  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`Chat is ready: http://localhost:${address.port}`);
  if (host !== '127.0.0.1') console.log(`It is open: everybody who reaches ${host} may read and write every room.`);
}

/** The copies that the build made of text files, by what a browser says it accepts; the smallest first. */
const copies = [
  { accepted: /\bbr\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/, suffix: '.br', encoding: 'br' },
  { accepted: /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/, suffix: '.gz', encoding: 'gzip' },
];

/** The page as built. Files that go while they are read, as in a new build, cost one answer and not the server. */
function builtPages() {
  const dist = resolve(here, 'dist');
  const files = serveStatic(dist, {
    cacheControl: false,
    redirect: false,
    setHeaders: (response, path) => {
      for (const [name, value] of Object.entries(pageHeaders)) response.setHeader(name, value);
      // Names in /assets carry a hash of what is in them.
      const hashed = path.startsWith(resolve(dist, 'assets') + sep);
      response.setHeader('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      response.setHeader('vary', 'accept-encoding');
      const copy = copies.find(({ suffix }) => path.endsWith(suffix));
      if (copy === undefined) return;
      response.setHeader('content-encoding', copy.encoding);
      response.setHeader('content-type', compressedTypes.get(extname(path.slice(0, -copy.suffix.length))) ?? '');
    },
  });
  /** @type {import('node:http').RequestListener} */
  const serve = (request, response) => {
    const [path = '/', ...query] = (request.url ?? '/').split('?');
    const file = path.endsWith('/') ? `${path}index.html` : path;
    const accept = request.headers['accept-encoding'] ?? '';
    const suffixes = compressedTypes.has(extname(file))
      ? copies.filter(({ accepted }) => accepted.test(accept)).map(({ suffix }) => suffix)
      : [];
    const next = () => {
      if (response.headersSent) return response.destroy();
      // Those of a file that went between finding and reading it.
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      const suffix = suffixes.shift();
      if (suffix === undefined) return response.writeHead(404).end();
      request.url = [file + suffix, ...query].join('?');
      files(request, response, next);
    };
    suffixes.push('');
    next();
  };
  return { serve, close: async () => {} };
}

/** Takes the place of a service worker that an earlier `npm start` on this port has left, and takes itself away. */
const noServiceWorker = `
  self.addEventListener('install', () => self.skipWaiting());
  self.addEventListener('activate', (event) => event.waitUntil(leave()));
  async function leave() {
    await self.registration.unregister();
    for (const client of await self.clients.matchAll({ type: 'window' })) client.navigate(client.url);
  }
`;

/**
 * The page from its source. Hot reload needs inline scripts and styles, so the page goes without a policy.
 *
 * @param {import('node:http').Server} server
 */
async function developmentPages(server) {
  const { createServer: createViteServer } = await import('vite');
  const vite = await createViteServer({ root: here, server: { middlewareMode: true, ws: { server } } });
  /** @type {import('node:http').RequestListener} */
  const serve = (request, response) => {
    if (request.url !== '/service-worker.js') return vite.middlewares(request, response);
    response.writeHead(200, { 'content-type': 'text/javascript', 'cache-control': 'no-store' }).end(noServiceWorker);
  };
  return { serve, close: () => vite.close() };
}

/**
 * @param {import('node:http').Server} server
 * @param {number} port
 * @param {string} host
 */
function listen(server, port, host) {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      done(undefined);
    });
  });
}

function readPort() {
  const port = Number(process.env.PORT || 4400);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new RangeError(`PORT must be a number from 0 to 65535, got ${process.env.PORT}`);
}

/** @param {any} error */
function explain(error) {
  if (error?.code === 'EADDRINUSE') return `port ${error.port} is taken. Set PORT to another one.`;
  return error?.message ?? String(error);
}
