// Keeps parts of a page live. The server writes all words, in the page's language: when the stream says that a
// number has changed, the page is read again and its parts (`data-live`) are put in place of the old ones.

const SILENCE_MS = 40_000; // the server speaks at least every 15 s

export interface Options {
  /** Not more often than this is the page read again (milliseconds). */
  every: number;
  /** Whether there is anything to keep live; by default there is. */
  only?: () => boolean;
  /** Called when the page has been read anew. */
  fresh?: () => void;
  /** Called when nothing has been heard for so long that no number is known any more. */
  lost?: () => void;
}

if ("serviceWorker" in navigator) {
  navigator.serviceWorker.register("/sw.js").catch(() => undefined);
}

export function keepLive(options: Options): void {
  if (options.only && !options.only()) return;
  const state = document.getElementById("state");
  let heard = Date.now();
  let readAt = 0;
  let timer: number | undefined;
  let lost = false;

  const soon = () => {
    if (timer !== undefined || document.hidden) return;
    timer = window.setTimeout(read, Math.max(0, readAt + options.every - Date.now()));
  };

  async function read(): Promise<void> {
    timer = undefined;
    readAt = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      // Whoever is no longer signed in must not take an old page for a live one.
      if (answer.redirected) return location.reload();
      if (!answer.ok) return;
      replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
      found();
      options.fresh?.();
    } catch {
      // The stream connects again by itself, and then the page is read again.
    }
  }

  function found(): void {
    heard = Date.now();
    if (!lost) return;
    lost = false;
    document.body.classList.remove("app-lost");
    say("");
  }

  function say(text: string): void {
    if (state && state.textContent !== text) state.textContent = text;
  }

  // Without news for long, no number on the page is known to be true any more; what it was is said beside it.
  function lose(): void {
    if (lost) return;
    lost = true;
    document.body.classList.add("app-lost");
    say(document.body.dataset.lost ?? "");
    options.lost?.();
    for (const number of document.querySelectorAll<HTMLElement>("[data-number]")) {
      const was = document.createElement("p");
      was.className = "app-secondary";
      was.textContent = `${document.body.dataset.was ?? ""} ${number.textContent ?? ""}`;
      number.after(was);
      number.textContent = document.body.dataset.unknown ?? "?";
      number.closest<HTMLElement>("[data-tone]")?.setAttribute("data-tone", "unknown");
    }
  }

  if (document.documentElement.dataset.keptAt) lose();
  window.setInterval(() => {
    if (Date.now() - heard >= SILENCE_MS) lose();
  }, 1000);
  window.addEventListener("offline", lose);
  window.addEventListener("online", soon);

  document.addEventListener("visibilitychange", soon);
  connect();

  function connect(): void {
    const stream = new EventSource("/v1/stream");
    for (const name of ["site", "start", "reset", "confirmed"]) {
      stream.addEventListener(name, () => {
        heard = Date.now();
        if (name !== "confirmed" || lost) soon();
      });
    }
    stream.addEventListener("error", () => {
      // After a refusal (not a mere interruption) a browser does not try again by itself.
      if (stream.readyState === EventSource.CLOSED) window.setTimeout(connect, 5000);
    });
  }
}

function replace(fresh: Document): void {
  for (const old of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(old.id);
    if (!next || next.innerHTML === old.innerHTML) continue;
    const focus = document.activeElement instanceof HTMLElement && old.contains(document.activeElement);
    const href = focus ? document.activeElement?.getAttribute("href") : null;
    old.innerHTML = next.innerHTML;
    if (href) old.querySelector<HTMLElement>(`[href="${CSS.escape(href)}"]`)?.focus();
  }
}
