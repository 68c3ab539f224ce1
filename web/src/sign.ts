// One sign, full screen: it asks again after the time it was told, and is blank when it cannot reach us.
import { ends, putOut, readAgain, say, sleep } from "./_sign";

const RETRY_MS = 5000;
const sign = document.querySelector<HTMLElement>("[data-sign]")!;
const lamps = document.getElementById("lamps")!;
const full = document.querySelector<HTMLButtonElement>("[data-full]");

let endsAt = ends(sign, 0);
let failed = false;

async function ask(): Promise<number> {
  const { page, asked } = await readAgain();
  const told = page.querySelector<HTMLElement>("[data-sign]");
  const drawn = page.getElementById("lamps");
  if (!told || !drawn) throw new Error("not a sign");
  lamps.innerHTML = drawn.innerHTML;
  delete sign.dataset.out;
  say(sign.querySelector<HTMLElement>("[data-says]"), told.querySelector("[data-says]")?.textContent ?? "");
  endsAt = ends(told, asked);
  return Number(told.dataset.pollAfter) * 1000;
}

async function run(): Promise<void> {
  let wait = Number(sign.dataset.pollAfter) * 1000;
  for (;;) {
    // A tenth earlier or later: signs that start together must not ask together for ever.
    await sleep((failed ? Math.min(wait, RETRY_MS) : wait) * (0.9 + Math.random() * 0.2));
    try {
      wait = await ask();
      failed = false;
    } catch {
      failed = true;
    }
  }
}

window.setInterval(() => {
  if (performance.now() >= endsAt) putOut(sign, sign.dataset.cut ?? "");
}, 250);
if (full && document.fullscreenEnabled) {
  full.hidden = false;
  full.addEventListener("click", () => document.documentElement.requestFullscreen().catch(() => undefined));
}
run();
