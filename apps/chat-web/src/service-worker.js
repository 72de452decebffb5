// Keeps the files of the page, so that it opens without a network, and nothing else: no message, key or name comes here.
// VERSION and FILES, those of this build, are written above this when the page is bundled.

/** Pages of one origin, such as those of a gateway, share what is kept: each has names of its own. */
const PREFIX = `sotto-shell ${registration.scope} `;
const CACHE = PREFIX + VERSION;

addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});

addEventListener('activate', (event) => {
  event.waitUntil(
    caches.keys().then((names) => {
      const old = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
      return Promise.all(old.map((name) => caches.delete(name)));
    }),
  );
});

addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || !url.href.startsWith(registration.scope)) return;
  const path = url.href.slice(registration.scope.length).replace(/[?#].*$/, '');
  if (request.mode === 'navigate') event.respondWith(fresh(request, './'));
  else if (path === 'config.json') event.respondWith(fresh(request, request));
  else if (FILES.includes(path) || path.startsWith('assets/')) event.respondWith(kept(request));
});

/** From the network, and as it was last time where there is none. */
async function fresh(request, key) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(key, response.clone());
    return response;
  } catch (error) {
    const last = await cache.match(key);
    if (last) return last;
    throw error;
  }
}

/** Names of files change with what is in them, so what is kept is right. */
async function kept(request) {
  const cache = await caches.open(CACHE);
  const last = await cache.match(request);
  if (last) return last;
  const response = await fetch(request);
  if (response.ok) await cache.put(request, response.clone());
  return response;
}

// Of phones, whose pages can't show notifications themselves.
addEventListener('notificationclick', (event) => {
  event.notification.close();
  const address = String(event.notification.data);
  event.waitUntil(
    clients.matchAll({ type: 'window' }).then(async ([page]) => {
      if (!page) return clients.openWindow(`./${address}`);
      page.postMessage(address);
      return page.focus();
    }),
  );
});
