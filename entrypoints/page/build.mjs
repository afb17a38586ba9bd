// Bundles src/ into dist/: files with their content's hash in their names, and index.html that names them.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");

rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, "assets"), { recursive: true });

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: ["src/main.tsx", "src/page.css"],
  outdir: "dist/assets",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".woff2": "file" },
  metafile: true,
});

const outputs = Object.keys(metafile.outputs).map((path) => basename(path));
const named = (pattern) => outputs.find((name) => pattern.test(name));
writeFileSync(
  join(dist, "index.html"),
  readFileSync(join(here, "src", "index.html"), "utf8")
    .replace("%SCRIPT%", `/assets/${named(/^main-.*\.js$/)}`)
    .replace("%STYLE%", `/assets/${named(/^page-.*\.css$/)}`)
    .replace("%FONT%", `/assets/${named(/^inter-latin-wght.*\.woff2$/)}`),
);

const shipped = new Set(
  Object.keys(metafile.inputs).flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
);
const licences = [...shipped].sort().map((name) => {
  const { version, license } = JSON.parse(readFileSync(join(here, "node_modules", name, "package.json"), "utf8"));
  const text = readFileSync(join(here, "node_modules", name, "LICENSE"), "utf8").replace(/\r\n/g, "\n");
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
});
writeFileSync(join(dist, "THIRD-PARTY-LICENCES.txt"), licences.join(`\n${"-".repeat(78)}\n\n`));

// What this was built from, so that a test can tell without Node when it is not what the source says.
const sources = ["build.mjs", "package.json", "package-lock.json", "tsconfig.json"].concat(
  readdirSync(join(here, "src")).map((name) => `src/${name}`),
);
const digest = createHash("sha256");
for (const name of sources.sort()) {
  digest.update(`${name}\0`).update(readFileSync(join(here, name))).update("\0");
}
writeFileSync(join(dist, "SOURCE.sha256"), `${digest.digest("hex")}\n`);

for (const [path, { bytes }] of Object.entries(metafile.outputs)) console.log(`${bytes}\t${path}`);
