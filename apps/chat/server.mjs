/**
 * The chat on one port: its page, the relay at `/sync`, and `/healthz` (200, or 503 while it cannot store).
 *
 *     PORT=4400 DATA_DIR=./data node apps/chat/server.mjs [--dev]
 *
 * `PORT` default 4400, 0 takes a free one. `DATA_DIR` default `./data`, relative to the repository. `--dev` serves the
 * page from its source, with hot reload. SIGINT and SIGTERM stop it with exit code 0, within two seconds.
 */
import { createServer } from 'node:http';
import { dirname, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRelay } from '@gossip-log/relay';
import serveStatic from 'serve-static';

const here = dirname(fileURLToPath(import.meta.url));
const dev = process.argv.includes('--dev');
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
  await listen(server, port);

  const relay = await createRelay({
    server,
    path: '/sync',
    dataDir,
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
}

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
    },
  });
  /** @type {import('node:http').RequestListener} */
  const serve = (request, response) =>
    files(request, response, () => {
      if (response.headersSent) return response.destroy();
      // Those of a file that went between finding and reading it.
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      response.writeHead(404).end();
    });
  return { serve, close: async () => {} };
}

/**
 * The page from its source. Hot reload needs inline scripts and styles, so the page goes without a policy.
 *
 * @param {import('node:http').Server} server
 */
async function developmentPages(server) {
  const { createServer: createViteServer } = await import('vite');
  const vite = await createViteServer({ root: here, server: { middlewareMode: true, ws: { server } } });
  return { serve: vite.middlewares, close: () => vite.close() };
}

/**
 * @param {import('node:http').Server} server
 * @param {number} port
 */
function listen(server, port) {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, () => {
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
