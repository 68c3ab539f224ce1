// One sign, which does as a controller on the street must: it asks again after the time it was told, shows an
// answer no longer than that is valid, and is blank when it cannot reach us. Time is the monotonic clock's, so that
// a step of the device's clock does not keep an old number alive.

const sign = document.querySelector<HTMLElement>("[data-sign]")!;
const lamps = document.getElementById("lamps")!;
const says = document.getElementById("says")!;

let blankAt = performance.now() + lifetime(sign, new Date());

function lifetime(told: HTMLElement, serverTime: Date): number {
  return Math.max(0, Date.parse(told.dataset.validUntil ?? "") - serverTime.getTime());
}

function blank(why: string): void {
  lamps.querySelector(".app-lamps__lit")?.setAttribute("d", "");
  lamps.querySelector("svg")?.setAttribute("aria-label", sign.dataset.blank ?? "");
  const text = `${sign.dataset.blank}: ${why}`;
  if (says.textContent !== text) says.textContent = text;
}

async function ask(): Promise<number> {
  const abort = new AbortController();
  const patience = window.setTimeout(() => abort.abort(), 10_000);
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: abort.signal });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const serverTime = new Date(answer.headers.get("date") ?? Date.now());
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const told = fresh.querySelector<HTMLElement>("[data-sign]");
    const drawn = fresh.getElementById("lamps");
    if (!told || !drawn) throw new Error("not a sign");
    lamps.innerHTML = drawn.innerHTML;
    const text = fresh.getElementById("says")?.textContent ?? "";
    if (says.textContent !== text) says.textContent = text;
    blankAt = performance.now() + lifetime(told, serverTime);
    return Number(told.dataset.pollAfter) * 1000;
  } finally {
    window.clearTimeout(patience);
  }
}

async function run(): Promise<void> {
  let wait = Number(sign.dataset.pollAfter) * 1000;
  for (;;) {
    // A tenth earlier or later: signs that start together must not ask together for ever.
    await sleep(wait * (0.9 + Math.random() * 0.2));
    try {
      wait = await ask();
    } catch {
      wait = Math.min(wait, 5000);
    }
  }
}

const sleep = (milliseconds: number) => new Promise((resolve) => window.setTimeout(resolve, milliseconds));

window.setInterval(() => {
  if (performance.now() > blankAt) blank("—");
}, 500);
run();
