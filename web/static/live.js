// Keeps the numbers of the page live by the event stream. The words are those of api/pages.py.
"use strict";

const SILENCE_MS = 40000; // the server speaks at least every 15 s
const state = document.getElementById("state");
const cards = new Map([...document.querySelectorAll("[data-site]")].map((card) => [card.dataset.site, card]));
const shown = new Map();
let confirmed = null;
let heard = Date.now();

function clock(moment, timezone) {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  try {
    return new Date(moment).toLocaleTimeString("en-GB", { ...options, timeZone: timezone });
  } catch {
    return new Date(moment).toLocaleTimeString("en-GB", options);
  }
}

function words(site, since) {
  const ofAll = `of ${site.capacity} spaces`;
  if (site.status === "closed") return ["closed", "Closed", ofAll];
  if (site.stale) return ["unknown", "Not known", `no news since ${since}, when ${site.vacant} ${ofAll} were free`];
  if (site.capacity === 0 || site.unknown === site.capacity) return ["unknown", "Not known", `none ${ofAll} reports`];
  const notKnown = site.unknown ? `, ${site.unknown} not known` : "";
  if (site.vacant) return ["free", `${site.vacant} free`, ofAll + notKnown];
  if (site.unknown) return ["unknown", "None known free", ofAll + notKnown];
  return ["full", "Full", ofAll];
}

function show(site) {
  const card = cards.get(site.id);
  if (!card) return location.reload();
  shown.set(site.id, site);
  const since = clock(site.as_of, site.timezone);
  const [tone, headline, detail] = words(site, since);
  card.className = tone;
  card.querySelector("h2").textContent = site.name;
  card.querySelector(".headline").textContent = headline;
  card.querySelector(".detail").textContent = detail;
  const time = card.querySelector("time");
  time.dateTime = site.as_of;
  time.textContent = since;
}

async function readAll() {
  try {
    const answer = await fetch("/v1/sites", { cache: "no-store" });
    if (!answer.ok) return;
    const { sites } = await answer.json();
    if (sites.length !== cards.size) return location.reload();
    sites.forEach(show);
  } catch {
    // The stream reconnects by itself, and then all is read again.
  }
}

function confirm(asOf) {
  confirmed = asOf;
  for (const site of shown.values()) {
    if (!site.stale && asOf && Date.parse(asOf) > Date.parse(site.as_of)) show({ ...site, as_of: asOf });
  }
}

function listen() {
  const stream = new EventSource("/v1/stream");
  const on = (name, act) =>
    stream.addEventListener(name, (event) => {
      heard = Date.now();
      say("Live", false);
      act(JSON.parse(event.data));
    });
  on("site", show);
  on("start", readAll);
  on("reset", readAll);
  on("confirmed", (data) => confirm(data.as_of));
  stream.addEventListener("error", () => {
    say("Connection lost. Trying again …", true);
    // After a refusal (not a mere interruption) a browser does not try again by itself.
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  });
}

function say(text, lost) {
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle("lost", lost);
}

// Without news for long, no number here is known to be true any more.
setInterval(() => {
  if (Date.now() - heard < SILENCE_MS) return;
  say("No connection. The numbers are not known now.", true);
  for (const site of [...shown.values()]) if (!site.stale) show({ ...site, stale: true });
}, 1000);

listen();
