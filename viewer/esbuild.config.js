// Builds the viewer into build/viewer-page, where that is older than its source: index.html, and files whose names have a hash of
// their content. esbuild builds GraphiQL too, so the viewer needs no second bundler.
import { build } from "esbuild";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { writeNotices } from "../notices.js";
import { isFresh, packFiles, replaceFolder } from "../pages.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));
const built = `${root}build/viewer-page`;
const inputs = {
  folders: [here, `${root}src/core`, `${root}docs`],
  files: [`${root}package-lock.json`, `${root}pages.js`],
};
if (await isFresh(`${built}/index.html`, inputs)) process.exit();
const outdir = `${built}.${process.pid}`;

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: { page: "page.tsx" },
  outdir: `${outdir}/viewer`,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  minify: true,
  legalComments: "none",
  define: { "process.env.NODE_ENV": '"production"' },
  loader: { ".md": "text" },
  metafile: true,
  logLevel: "warning",
});

const [page] = Object.entries(metafile.outputs).filter(([, { entryPoint }]) => entryPoint === "page.tsx");
const address = (path) => relative(outdir, `${here}${path}`);
const names = { "{{script}}": address(page[0]), "{{style}}": address(page[1].cssBundle) };
const template = await readFile(`${here}index.html`, "utf8");
await mkdir(outdir, { recursive: true });
await writeFile(
  `${outdir}/index.html`,
  template.replaceAll(/\{\{\w+\}\}/g, (name) => names[name]),
);
await cp(`${here}icon.svg`, `${outdir}/viewer/icon.svg`);
await writeNotices([{ metafile }], { root: here, file: `${outdir}/viewer/THIRD_PARTY_NOTICES.txt` });
await packFiles(outdir, 11);
await replaceFolder(outdir, built);
