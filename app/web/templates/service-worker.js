/* Shows a page of ours where the network is gone. It keeps what that page is made of and nothing else:
   no answer with anybody's data, no page but the one below. */
"use strict";
const CACHE = {{ cache|safe }};
const OFFLINE = {{ offline|safe }};
const SHELL = {{ shell|safe }};

self.addEventListener("install", (event) => {
  const keep = async () => {
    const cache = await caches.open(CACHE);
    // Without cookies: the page that is kept is nobody's.
    const page = await fetch(OFFLINE, { credentials: "omit", cache: "no-cache" });
    if (!page.ok) throw new Error(String(page.status));
    await cache.put(OFFLINE, page);
    // A picture that cannot be had must not keep the page from being there.
    await Promise.allSettled(SHELL.map((address) => cache.add(address)));
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

const fromShell = async (key, failed) => {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(key, { ignoreVary: true });
  if (kept) return kept;
  throw failed;
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch((failed) => fromShell(OFFLINE, failed)));
  } else {
    const { pathname, search } = new URL(request.url);
    if (!SHELL.includes(pathname + search)) return;
    event.respondWith(fetch(request).catch((failed) => fromShell(request, failed)));
  }
});
