// Builds the GraphiQL page into build/graphiql, where that is older than its source: files only, nothing of it is loaded from
// another host.
import { build } from "esbuild";
import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { isFresh, packFiles, replaceFolder } from "../pages.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const built = fileURLToPath(new URL("../build/graphiql", import.meta.url));
if (
  await isFresh(`${built}/page.js`, { folders: [here], files: [`${here}../package-lock.json`, `${here}../pages.js`] })
)
  process.exit();
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

await packFiles(outdir);
await replaceFolder(outdir, built);
