// How the map looks: what is free is bright and large, what is taken small; never told by colour alone.
import type { LayerSpecification } from "maplibre-gl";

const FONT = ["system-ui", "Roboto", "Liberation Sans", "sans-serif"];

interface Tones {
  ground: string;
  free: string;
  full: string;
  unknown: string;
  closed: string;
  ink: string;
  street: string;
  edge: string;
  water: string;
  green: string;
  building: string;
  text: string;
}

const LIGHT: Tones = {
  ground: "#eef1ee",
  free: "#00613a",
  full: "#a4161a",
  unknown: "#5c4a00",
  closed: "#484949",
  ink: "#ffffff",
  street: "#ffffff",
  edge: "#d0d5d0",
  water: "#b9d7e8",
  green: "#d7e8d2",
  building: "#e0e0db",
  text: "#0b0c0c",
};

const DARK: Tones = {
  ground: "#1b2226",
  free: "#6fdc9a",
  full: "#ff9d9d",
  unknown: "#f2d16b",
  closed: "#b9c3ca",
  ink: "#0b0c0c",
  street: "#37434b",
  edge: "#11161a",
  water: "#15324a",
  green: "#1d2f22",
  building: "#262f35",
  text: "#f3f5f6",
};

const tones = (dark: boolean): Tones => (dark ? DARK : LIGHT);

export function ground(dark: boolean): LayerSpecification {
  return { id: "ground", type: "background", paint: { "background-color": tones(dark).ground } };
}

// Layers of the Protomaps scheme, which is what `pmtiles extract` of their daily build gives.
function streets(dark: boolean): LayerSpecification[] {
  const t = tones(dark);
  const of = { source: "streets" };
  return [
    { ...of, id: "green", type: "fill", "source-layer": "landuse", filter: ["in", ["get", "kind"], ["literal", ["park", "grass", "forest", "wood", "pitch", "garden"]]], paint: { "fill-color": t.green } },
    { ...of, id: "water", type: "fill", "source-layer": "water", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": t.water } },
    { ...of, id: "buildings", type: "fill", "source-layer": "buildings", minzoom: 14, paint: { "fill-color": t.building } },
    { ...of, id: "street-edges", type: "line", "source-layer": "roads", minzoom: 13, paint: { "line-color": t.edge, "line-width": ["interpolate", ["exponential", 1.6], ["zoom"], 13, 1.5, 19, 26] } },
    { ...of, id: "streets", type: "line", "source-layer": "roads", paint: { "line-color": t.street, "line-width": ["interpolate", ["exponential", 1.6], ["zoom"], 10, 0.6, 13, 1, 19, 22] } },
    { ...of, id: "street-names", type: "symbol", "source-layer": "roads", minzoom: 15, layout: { "symbol-placement": "line", "text-field": ["get", "name"], "text-font": FONT, "text-size": 12 }, paint: { "text-color": t.text, "text-halo-color": t.ground, "text-halo-width": 1.5 } },
  ];
}

function bays(dark: boolean): LayerSpecification[] {
  const t = tones(dark);
  const by = (free: string | number, taken: string | number, unknown: string | number) =>
    ["match", ["coalesce", ["feature-state", "state"], "u"], "v", free, "o", taken, unknown] as never;
  return [
    {
      id: "bays",
      type: "circle",
      source: "bays",
      minzoom: 14,
      paint: {
        "circle-color": by(t.free, t.full, t.ground),
        "circle-radius": ["interpolate", ["exponential", 1.7], ["zoom"], 14, by(1.6, 1, 1), 17, by(5, 3, 4), 19, by(10, 6, 8)] as never,
        "circle-stroke-color": by(t.free, t.full, t.unknown),
        "circle-stroke-width": by(0, 0, 1.2),
      },
    },
  ];
}

function sites(dark: boolean): LayerSpecification[] {
  const t = tones(dark);
  const tone = ["match", ["get", "tone"], "free", t.free, "full", t.full, "closed", t.closed, t.unknown] as never;
  return [
    { id: "sites", type: "circle", source: "sites", paint: { "circle-color": tone, "circle-radius": 15, "circle-stroke-color": t.ink, "circle-stroke-width": 2 } },
    { id: "site-numbers", type: "symbol", source: "sites", layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 13, "text-allow-overlap": true, "text-ignore-placement": true }, paint: { "text-color": t.ink } },
    { id: "site-names", type: "symbol", source: "sites", minzoom: 14, layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": 13, "text-anchor": "top", "text-offset": [0, 1.4], "text-optional": true }, paint: { "text-color": t.text, "text-halo-color": t.ground, "text-halo-width": 2 } },
  ];
}

export const layers = { streets, bays, sites };
