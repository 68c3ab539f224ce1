// Builds web/src into web/static/built: hashed names, a manifest of them, and each file compressed beside itself.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import * as sass from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "static", "built");
const TARGET = ["chrome90", "firefox90", "safari15"];
const manifest = {};

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await Promise.all([scripts(), worker(), styles(), mapWorker()]);
await writeFile(join(out, "manifest.json"), JSON.stringify(manifest, Object.keys(manifest).sort(), 2) + "\n");
await compress();

async function scripts() {
  const names = (await readdir(join(here, "src"))).filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
  const result = await esbuild.build({
    entryPoints: names.filter((name) => !name.startsWith("_")).map((name) => join(here, "src", name)),
    outdir: out,
    entryNames: "[name]-[hash]",
    chunkNames: "chunk-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    minify: true,
    metafile: true,
    target: TARGET,
    legalComments: "linked",
  });
  for (const [file, { entryPoint }] of Object.entries(result.metafile.outputs)) {
    if (entryPoint) manifest[basename(entryPoint).replace(/\.ts$/, file.endsWith(".css") ? ".css" : ".js")] = basename(file);
  }
}

// A service worker is one file under one name: a browser looks for a newer one there.
async function worker() {
  await esbuild.build({
    entryPoints: [join(here, "src", "sw", "sw.ts")],
    outfile: join(out, "sw.js"),
    bundle: true,
    format: "iife",
    minify: true,
    target: TARGET,
  });
  manifest["sw.js"] = "sw.js";
}

// The map draws in a worker, which comes ready made.
async function mapWorker() {
  const code = await readFile(join(here, "node_modules", "maplibre-gl", "dist", "maplibre-gl-worker.mjs"), "utf8");
  const plain = code.replace(/\n\/\/# sourceMappingURL=.*$/, "\n");
  const hash = createHash("sha256").update(plain).digest("hex").slice(0, 8).toUpperCase();
  manifest["map-worker.js"] = `map-worker-${hash}.js`;
  await writeFile(join(out, `map-worker-${hash}.js`), plain);
}

async function styles() {
  const folder = join(here, "src", "styles");
  for (const name of await readdir(folder)) {
    if (!name.endsWith(".scss") || name.startsWith("_")) continue;
    const { css } = sass.compile(join(folder, name), {
      loadPaths: [join(here, "node_modules"), join(here, "node_modules", "govuk-frontend", "dist")],
      quietDeps: true,
    });
    const { code } = await esbuild.transform(css, { loader: "css", minify: true, target: TARGET });
    const hash = createHash("sha256").update(code).digest("hex").slice(0, 8).toUpperCase();
    const plain = name.replace(/\.scss$/, "");
    manifest[`${plain}.css`] = `${plain}-${hash}.css`;
    await writeFile(join(out, `${plain}-${hash}.css`), code);
  }
}

async function compress() {
  for (const name of await readdir(out)) {
    if (!/\.(js|css|json)$/.test(name)) continue;
    await writeFile(join(out, `${name}.gz`), gzipSync(await readFile(join(out, name)), { level: 9 }));
  }
}
