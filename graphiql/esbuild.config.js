// Builds the GraphiQL page into build/graphiql, where that is older than its source: files only, nothing of it is loaded from
// another host.
import { build } from "esbuild";
import { cp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const here = fileURLToPath(new URL(".", import.meta.url));
const built = fileURLToPath(new URL("../build/graphiql", import.meta.url));
if (await isFresh()) process.exit();
const outdir = `${built}.${process.pid}`;

await build({
  absWorkingDir: here,
  entryPoints: {
    page: "page.ts",
    "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
    "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
  },
  outdir,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "linked",
  define: { "process.env.NODE_ENV": '"production"' },
  loader: { ".ttf": "file", ".graphql": "text" },
  logLevel: "warning",
});
for (const file of ["index.html", "frame.css", "icon.svg"]) await cp(here + file, `${outdir}/${file}`);

// The gateway sends a file as it was compressed here, once, to browsers that take that. Fonts are compressed already.
const packers = {
  br: (text) => promisify(brotliCompress)(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  gz: (text) => promisify(gzip)(text, { level: 9 }),
};
for (const name of await readdir(outdir)) {
  if (!/\.(css|html|js|svg)$/.test(name)) continue;
  const text = await readFile(`${outdir}/${name}`);
  for (const [ending, pack] of Object.entries(packers))
    await writeFile(`${outdir}/${name}.${ending}`, await pack(text));
}
await rm(built, { recursive: true, force: true });
await rename(outdir, built);

async function isFresh() {
  const made = await stat(`${built}/page.js`).catch(() => undefined);
  if (made === undefined) return false;
  const inputs = ["../package-lock.json", ...(await readdir(here, { recursive: true }))];
  const changes = await Promise.all(inputs.map(async (name) => (await stat(here + name)).mtimeMs));
  return changes.every((changed) => changed < made.mtimeMs);
}
