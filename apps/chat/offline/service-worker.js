/**
 * Keeps the page's files in the browser, so that the page starts without a network. The build writes `page`, with the
 * files and their version, above this line. Messages are not its business: they are in IndexedDB.
 */
const prefix = 'page files ';
const cacheName = prefix + page.version;

self.addEventListener('install', (event) => {
  // The page that is open goes on as it is; the next load gets the new files.
  self.skipWaiting();
  // Files in /assets have a hash in their names: a copy in the browser's cache is right. The others are asked for again.
  const requests = page.files.map(
    (path) => new Request(path, path.startsWith('/assets/') ? {} : { cache: 'no-cache' }),
  );
  event.waitUntil(caches.open(cacheName).then((cache) => cache.addAll(requests)));
});

self.addEventListener('activate', (event) => {
  const removeOlder = async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith(prefix) && name !== cacheName);
    await Promise.all(names.map((name) => caches.delete(name)));
    // A page that was open before the first service worker is served by it from now on.
    await self.clients.claim();
  };
  event.waitUntil(removeOlder());
});

self.addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== 'GET' || origin !== self.location.origin || !page.files.includes(pathname)) return;
  const answer = async () => {
    const cache = await caches.open(cacheName);
    // The browser may have deleted the cache to free space.
    return (await cache.match(pathname)) ?? fetch(event.request);
  };
  event.respondWith(answer());
});
