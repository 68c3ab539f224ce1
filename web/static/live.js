// Keeps the numbers of the page live by the event stream. The words are those of api/pages.py.
"use strict";

const SILENCE_MS = 40000; // the server speaks at least every 15 s
const state = document.getElementById("state");
const age = document.getElementById("age");
const cards = new Map([...document.querySelectorAll("[data-site]")].map((card) => [card.dataset.site, card]));
const shown = new Map();
let heard = Date.now();
let lost = false;

function clock(moment, timezone) {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const old = Date.now() - Date.parse(moment) > 12 * 3600 * 1000;
  const local = (zone) => {
    const time = new Date(moment).toLocaleTimeString("en-GB", { ...options, ...zone });
    const date = new Date(moment).toLocaleDateString("en-GB", { day: "numeric", month: "long", ...zone });
    return old ? `${time} on ${date}` : time;
  };
  try {
    return local({ timeZone: timezone });
  } catch {
    return local({});
  }
}

function words(site) {
  const ofAll = `of ${site.capacity} spaces`;
  const nothingKnown = site.capacity === site.unknown;
  if (site.status === "closed") return ["closed", "Closed", ofAll];
  if (site.stale || lost) {
    const last = nothingKnown ? "" : `, when ${site.vacant} ${ofAll} were known to be free`;
    return ["unknown", "Not known", `no news since ${clock(site.as_of, site.timezone)}${last}`];
  }
  if (nothingKnown) return ["unknown", "Not known", `none ${ofAll} reports`];
  const notKnown = site.unknown ? `, ${site.unknown} not known` : "";
  if (site.vacant) return ["free", `${site.vacant} free`, ofAll + notKnown];
  if (site.unknown) return ["unknown", "None known free", ofAll + notKnown];
  return ["full", "Full", ofAll];
}

function show(site) {
  const card = cards.get(site.id);
  if (!card) return location.reload();
  shown.set(site.id, site);
  const [tone, headline, detail] = words(site);
  card.className = tone;
  card.querySelector("h2").textContent = site.name;
  card.querySelector(".headline").textContent = headline;
  card.querySelector(".detail").textContent = detail;
}

// What is true of all: how old the oldest number is, or that nothing is known.
function summarise() {
  const sites = [...shown.values()];
  if (!sites.length) return;
  const oldest = sites.reduce((a, b) => (Date.parse(a.as_of) <= Date.parse(b.as_of) ? a : b));
  const since = clock(oldest.as_of, oldest.timezone);
  const stale = sites.every((site) => site.stale);
  age.hidden = stale || lost;
  const time = age.querySelector("time");
  time.dateTime = oldest.as_of;
  time.textContent = since;
  if (lost) say("No connection. The numbers are not known now.");
  else say(stale ? `We have had no news since ${since}. The numbers are not known now.` : "");
}

function say(text) {
  if (state.textContent !== text) state.textContent = text;
}

async function readAll() {
  try {
    const answer = await fetch("/v1/sites", { cache: "no-store" });
    if (!answer.ok) return;
    const { sites } = await answer.json();
    if (sites.length !== cards.size) return location.reload();
    sites.forEach(show);
    summarise();
  } catch {
    // The stream reconnects by itself, and then all is read again.
  }
}

function confirm(asOf) {
  for (const site of shown.values()) {
    if (!site.stale && asOf && Date.parse(asOf) > Date.parse(site.as_of)) site.as_of = asOf;
  }
}

function listen() {
  const stream = new EventSource("/v1/stream");
  const on = (name, act) =>
    stream.addEventListener(name, (event) => {
      heard = Date.now();
      act(JSON.parse(event.data));
      if (lost) {
        lost = false;
        shown.forEach(show);
      }
      summarise();
    });
  on("site", show);
  on("start", readAll);
  on("reset", readAll);
  on("confirmed", (data) => confirm(data.as_of));
  stream.addEventListener("error", () => {
    if (!lost) say("Connection lost. Trying again …");
    // After a refusal (not a mere interruption) a browser does not try again by itself.
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  });
}

// Without news for long, no number here is known to be true any more.
setInterval(() => {
  if (lost || Date.now() - heard < SILENCE_MS) return;
  lost = true;
  shown.forEach(show);
  summarise();
}, 1000);

listen();
