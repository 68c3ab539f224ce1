// What a page with signs does as a controller on the street must: it shows an answer no longer than that is valid.
// Time is the monotonic clock's, which began when the page was asked for, and the server says for how long an answer
// is valid: the device's own clock may be wrong, and a step of it keeps no old number alive.

const PATIENCE_MS = 10_000;

/** What was read, and when it was asked for (milliseconds of `performance.now()`). */
export interface Read {
  page: Document;
  asked: number;
}

/** Reads this page anew. Fails when there is no answer in time. */
export async function readAgain(): Promise<Read> {
  const asked = performance.now();
  const abort = new AbortController();
  const patience = window.setTimeout(() => abort.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: abort.signal });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return { page: new DOMParser().parseFromString(await answer.text(), "text/html"), asked };
  } finally {
    window.clearTimeout(patience);
  }
}

/** Until when an element's sign may be shown that was asked for at this time. */
export function ends(sign: HTMLElement, asked: number): number {
  const seconds = Number(sign.dataset.validS);
  return Number.isFinite(seconds) ? asked + Math.max(0, seconds) * 1000 : 0;
}

/** Puts the lamps of a sign out, and says so to those who do not see them. */
export function putOut(sign: HTMLElement, why: string): void {
  const blank = sign.dataset.blank ?? "";
  sign.dataset.out = "true";
  sign.querySelector(".app-lamps__lit")?.setAttribute("d", "");
  sign.querySelector("svg")?.setAttribute("aria-label", blank);
  say(sign.querySelector<HTMLElement>("[data-says]"), `${blank}: ${why}`);
}

/** Changes a text only if it is another: what is read aloud is read once. */
export function say(place: HTMLElement | null, text: string): void {
  if (place && place.textContent !== text) place.textContent = text;
}

export const sleep = (milliseconds: number) => new Promise((resolve) => window.setTimeout(resolve, milliseconds));
