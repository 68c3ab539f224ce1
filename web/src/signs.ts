// The wall of all signs: read again every few seconds; each sign goes out when what it shows is no longer valid.
import { ends, putOut, readAgain, say, sleep } from "./_sign";

const EVERY_MS = 3000;
const wall = document.getElementById("signs")!;
const state = document.getElementById("state");
const signs = () => wall.querySelectorAll<HTMLElement>("[data-sign]");

let asked = 0;
const endsAt = new Map<string, number>();

function note(): void {
  endsAt.clear();
  for (const sign of signs()) endsAt.set(sign.dataset.sign ?? "", ends(sign, asked));
}

async function read(): Promise<void> {
  const fresh = await readAgain();
  const drawn = fresh.page.getElementById("signs");
  if (!drawn) throw new Error("not the signs");
  const focus = document.activeElement?.closest("#signs") ? document.activeElement.getAttribute("href") : null;
  wall.innerHTML = drawn.innerHTML;
  if (focus) wall.querySelector<HTMLElement>(`[href="${CSS.escape(focus)}"]`)?.focus();
  asked = fresh.asked;
  note();
  say(state, "");
}

async function run(): Promise<void> {
  for (;;) {
    await sleep(EVERY_MS * (0.9 + Math.random() * 0.2));
    try {
      if (!document.hidden) await read();
    } catch {
      say(state, document.body.dataset.lost ?? "");
    }
  }
}

note();
window.setInterval(() => {
  const now = performance.now();
  for (const sign of signs()) {
    if (now >= (endsAt.get(sign.dataset.sign ?? "") ?? 0)) putOut(sign, wall.dataset.cut ?? "");
  }
}, 250);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) read().catch(() => undefined);
});
run();
