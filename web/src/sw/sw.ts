// The service worker: without a network a page is as it was last read, and says when that was.
/// <reference lib="webworker" />
export {};
declare const self: ServiceWorkerGlobalScope;

const PAGES = "pages";
const BUILT = "built";
const PATIENCE_MS = 6000; // a phone with a bad signal hangs rather than fails
const MOST_PAGES = 40;

self.addEventListener("install", (event) => {
  event.waitUntil(
    Promise.all([keepBuilt(), ...["/", "/sites"].map(readPage)])
      .catch(() => undefined) // without a network it is kept when it is next seen
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith("/static/built/")) event.respondWith(fromBuilt(request));
  else if (request.mode === "navigate" && isForDrivers(url.pathname)) event.respondWith(page(request));
});

// What staff see is never kept on a device.
function isForDrivers(path: string): boolean {
  return /^(\/[a-z]{2})?\/(sites(\/[^/]+)?)?$/.test(path);
}

async function page(request: Request): Promise<Response> {
  const fresh = readPage(request);
  fresh.catch(() => undefined);
  try {
    const answer = await Promise.race([fresh, after(PATIENCE_MS)]);
    if (answer) return answer;
  } catch {
    // no network: what was kept will do
  }
  return (await kept(request)) ?? fresh;
}

async function readPage(request: Request | string): Promise<Response> {
  const answer = await fetch(request, { cache: "no-cache" });
  if (answer.ok && !answer.redirected) {
    const cache = await caches.open(PAGES);
    const headers = new Headers(answer.headers);
    headers.set("x-kept-at", new Date().toISOString());
    await cache.put(request, new Response(await answer.clone().blob(), { headers }));
    const keys = await cache.keys();
    await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST_PAGES)).map((key) => cache.delete(key)));
  }
  return answer;
}

// The page as it was kept. Its root says so, so that its script can say it too.
async function kept(request: Request): Promise<Response | undefined> {
  const cache = await caches.open(PAGES);
  const answer = await cache.match(request);
  if (!answer) return undefined;
  const at = answer.headers.get("x-kept-at") ?? "";
  const html = (await answer.text()).replace("<html ", `<html data-kept-at="${at}" `);
  return new Response(html, { headers: { "content-type": "text/html; charset=utf-8" } });
}

async function fromBuilt(request: Request): Promise<Response> {
  const cache = await caches.open(BUILT);
  const found = await cache.match(request);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok && !request.url.endsWith("manifest.json")) await cache.put(request, answer.clone());
  return answer;
}

// Everything that pages for drivers load; names change with content, so what is not in the list is old.
async function keepBuilt(): Promise<void> {
  const names: Record<string, string> = await (await fetch("/static/built/manifest.json")).json();
  const wanted = ["app.css", "home.js", "sites.js"].flatMap((plain) => names[plain] ?? []);
  const cache = await caches.open(BUILT);
  const all = new Set(Object.values(names).map((name) => `/static/built/${name}`));
  for (const key of await cache.keys()) {
    if (!all.has(new URL(key.url).pathname) && !key.url.includes("/chunk-")) await cache.delete(key);
  }
  await cache.addAll(wanted.map((name) => `/static/built/${name}`));
}

function after(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), milliseconds));
}
