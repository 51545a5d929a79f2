// Builds the GraphiQL page into build/graphiql, where that is older than its source: files only, nothing of it is loaded from
// another host.
import { build } from "esbuild";
import { cp, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { isFresh, packFiles, replaceFolder } from "../pages.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const built = fileURLToPath(new URL("../build/graphiql", import.meta.url));
if (
  await isFresh(`${built}/page.js`, { folders: [here], files: [`${here}../package-lock.json`, `${here}../pages.js`] })
)
  process.exit();
const outdir = `${built}.${process.pid}`;

/**
 * GraphiQL's style has 14 fonts in it as text, 320 KB compressed, before which nothing is painted: readers see the fonts of
 * their own system. Monaco's icons stay, as the file that they are in its package.
 */
const withoutFonts = {
  name: "without fonts",
  setup({ onLoad }) {
    onLoad({ filter: /graphiql[\\/]dist[\\/]style\.css$/ }, async ({ path }) => {
      const style = await readFile(path, "utf8");
      const icons = "monaco-editor/esm/vs/base/browser/ui/codicons/codicon/codicon.ttf";
      const contents = style.replace(/@font-face\s*\{[^}]*\}/g, (face) =>
        face.includes("codicon") ? `@font-face{font-family:codicon;font-display:block;src:url(${icons})}` : "",
      );
      return { contents, loader: "css" };
    });
  },
};

/** Of Monaco's parts, those that a console of GraphQL and JSON has a use for: editor-parts.ts. */
const fewerParts = {
  name: "fewer parts",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/editor\.all\.js$/ }, () => ({ path: `${here}editor-parts.ts`, sideEffects: true }));
  },
};

await build({
  absWorkingDir: here,
  plugins: [withoutFonts, fewerParts],
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
