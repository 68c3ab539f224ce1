// The map, an extra beside the list. What it draws the server tells in two parts: where everything is, and what is
// free now. It needs no tiles; where the operator has a .pmtiles file, streets lie beneath.
import {
  addProtocol,
  LngLatBounds,
  Map as Chart,
  setWorkerUrl,
  type GeoJSONSource,
  type MapMouseEvent,
  type StyleSpecification,
} from "maplibre-gl";
import type { Feature, FeatureCollection } from "geojson";
import { keepLive } from "./_live";
import { ground, layers } from "./_map_style";

interface Places {
  version: number;
  sites: { id: string; name: string; lon: number; lat: number }[];
  categories: string[];
  bays: { site: [string, number][]; category: number[]; lon: number[]; lat: number[] };
}

interface States {
  version: number;
  as_of: string;
  sites: { tone: string; headline: string; detail: string; label: string }[];
  bays: string;
}

const MICRO = 1e6;
const NOTHING = { tone: "unknown", headline: "", detail: "", label: "?" };
const box = document.getElementById("map")!;
const told = document.getElementById("map-told")!;
const word = (name: string): string => box.dataset[name] ?? "";

async function read<T>(name: string): Promise<T> {
  const answer = await fetch(`${word("from")}/${name}.json`);
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return (await answer.json()) as T;
}

async function start(): Promise<void> {
  const [places, states] = await Promise.all([read<Places>("places"), read<States>("states")]);
  document.getElementById("map-section")!.hidden = false;
  const chart = await draw();
  new Shown(chart, places, states);
}

async function draw(): Promise<Chart> {
  setWorkerUrl(new URL(word("worker"), location.href).href);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const style: StyleSpecification = { version: 8, sources: {}, layers: [ground(dark)] };
  if (word("tiles")) {
    const { Protocol } = await import("pmtiles");
    addProtocol("pmtiles", new Protocol().tile);
    style.sources.streets = { type: "vector", url: `pmtiles://${new URL(word("tiles"), location.href).href}` };
    style.layers.push(...layers.streets(dark));
  }
  const chart = new Chart({ container: box, style, attributionControl: false, maxZoom: 19, dragRotate: false, fadeDuration: 0, pixelRatio: Math.min(devicePixelRatio, 2) });
  chart.touchZoomRotate.disableRotation();
  chart.getCanvas().setAttribute("aria-label", word("label"));
  await new Promise((resolve) => chart.once("load", resolve));
  return chart;
}

class Shown {
  private states: States;
  private readonly siteOfBay: string[] = [];

  constructor(
    private readonly chart: Chart,
    private readonly places: Places,
    states: States,
  ) {
    this.states = states;
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    chart.addSource("bays", { type: "geojson", data: this.bays() });
    chart.addSource("sites", { type: "geojson", data: this.sites() });
    for (const layer of [...layers.bays(dark), ...layers.sites(dark)]) chart.addLayer(layer);
    for (let bay = 0; bay < states.bays.length; bay++) this.colour(bay);
    this.home(false);
    this.buttons();
    chart.once("idle", () => (box.dataset.drawn = "yes"));
    chart.on("click", "sites", (event) => this.tell(Number(event.features?.[0]?.id)));
    chart.on("click", "bays", (event: MapMouseEvent & { features?: { id?: string | number }[] }) =>
      this.tellBay(Number(event.features?.[0]?.id)),
    );
    for (const layer of ["sites", "bays"]) {
      chart.on("mouseenter", layer, () => (chart.getCanvas().style.cursor = "pointer"));
      chart.on("mouseleave", layer, () => (chart.getCanvas().style.cursor = ""));
    }
    keepLive({ every: 3000, fresh: () => void this.refresh(), lost: () => this.lose() });
  }

  private bays(): FeatureCollection {
    const { site, lon, lat } = this.places.bays;
    for (const [id, count] of site) for (let n = 0; n < count; n++) this.siteOfBay.push(id);
    const features = lon.map((east, bay) => feature(bay, east / MICRO, (lat[bay] ?? 0) / MICRO, {}));
    return { type: "FeatureCollection", features };
  }

  private sites(): FeatureCollection {
    const features = this.places.sites.map((site, number) => {
      const { tone, label } = this.states.sites[number] ?? NOTHING;
      return feature(number, site.lon, site.lat, { name: site.name, tone, label });
    });
    return { type: "FeatureCollection", features };
  }

  private colour(bay: number): void {
    this.chart.setFeatureState({ source: "bays", id: bay }, { state: this.states.bays[bay] });
  }

  private async refresh(): Promise<void> {
    const fresh = await read<States>("states").catch(() => undefined);
    if (!fresh) return;
    if (fresh.version !== this.places.version) return location.reload();
    this.take(fresh);
  }

  private take(fresh: States): void {
    const before = this.states;
    this.states = fresh;
    for (let bay = 0; bay < fresh.bays.length; bay++) if (fresh.bays[bay] !== before.bays[bay]) this.colour(bay);
    if (JSON.stringify(fresh.sites) !== JSON.stringify(before.sites)) {
      this.chart.getSource<GeoJSONSource>("sites")!.setData(this.sites());
    }
  }

  private lose(): void {
    const unknown = { ...NOTHING, headline: document.body.dataset.unknown ?? "?" };
    this.take({
      ...this.states,
      sites: this.states.sites.map(() => unknown),
      bays: "u".repeat(this.states.bays.length),
    });
  }

  private home(animate: boolean): void {
    const around = new LngLatBounds();
    for (const { lon, lat } of this.places.sites) around.extend([lon, lat]);
    if (!around.isEmpty()) this.chart.fitBounds(around, { padding: 48, maxZoom: 17, animate });
    const wanted = new URLSearchParams(location.search).get("site");
    const site = this.places.sites.findIndex(({ id }) => id === wanted);
    if (!animate && site >= 0) this.go(site);
  }

  private go(number: number): void {
    const site = this.places.sites[number];
    if (!site) return;
    const { lon, lat } = site;
    this.chart.easeTo({ center: [lon, lat], zoom: Math.max(this.chart.getZoom(), 17) });
    this.tell(number);
  }

  private tell(number: number): void {
    const site = this.places.sites[number];
    const now = this.states.sites[number];
    if (!site || !now) return;
    told.replaceChildren(link(`${word("sites")}/${encodeURIComponent(site.id)}`, site.name), `: ${now.headline}, ${now.detail}`);
  }

  private tellBay(bay: number): void {
    const id = this.siteOfBay[bay];
    const site = this.places.sites.find((one) => one.id === id);
    if (!id || !site) return;
    const letter = this.states.bays[bay];
    const state = word(letter === "v" ? "free" : letter === "o" ? "taken" : "unknown");
    const kind = this.places.categories[this.places.bays.category[bay] ?? -1] ?? "";
    told.replaceChildren(link(`${word("sites")}/${encodeURIComponent(id)}`, site.name), `: ${kind}: ${state}`);
  }

  private buttons(): void {
    const does: Record<string, () => void> = {
      in: () => this.chart.zoomIn(),
      out: () => this.chart.zoomOut(),
      all: () => this.home(true),
    };
    for (const button of document.querySelectorAll<HTMLButtonElement>("[data-map]")) {
      button.addEventListener("click", () => does[button.dataset.map ?? ""]?.());
    }
    document.getElementById("places")!.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-show]") : null;
      const number = this.places.sites.findIndex(({ id }) => id === button?.dataset.show);
      if (number < 0) return;
      this.go(number);
      box.scrollIntoView({ block: "nearest" });
    });
  }
}

function feature(id: number, lon: number, lat: number, properties: Record<string, string>): Feature {
  return { type: "Feature", id, geometry: { type: "Point", coordinates: [lon, lat] }, properties };
}

function link(href: string, text: string): HTMLAnchorElement {
  const made = document.createElement("a");
  made.className = "govuk-link";
  made.href = href;
  made.textContent = text;
  return made;
}

start().catch(() => {
  // Without the map there is the list; it stays live all the same.
  document.getElementById("map-section")!.hidden = true;
  keepLive({ every: 3000 });
});
