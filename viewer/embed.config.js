// Builds the components for other applications into build/viewer-embed, where that is older than its source: a module whose React is
// the application's, with all else that it needs, and what it loads later.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import { writeNotices } from "../notices.js";
import { isFresh, replaceFolder } from "../pages.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));
const built = `${root}build/viewer-embed`;
const inputs = {
  folders: [here, `${root}src/core`, `${root}src/query`, `${root}docs`],
  files: [`${root}package-lock.json`, `${root}pages.js`],
};
if (await isFresh(`${built}/embed.js`, inputs)) process.exit();
const outdir = `${built}.${process.pid}`;
const common = { absWorkingDir: here, bundle: true, minify: true, legalComments: "none", logLevel: "warning" };

const styles = await build({ ...common, entryPoints: ["styles/embed.css"], write: false });

const { metafile } = await build({
  ...common,
  outdir,
  entryPoints: ["embed.tsx"],
  chunkNames: "[name]-[hash]",
  splitting: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  external: ["react", "react-dom"],
  define: {
    "process.env.NODE_ENV": '"production"',
    EMBEDDED_STYLES: JSON.stringify(styles.outputFiles[0].text),
    "document.activeElement": "deepFocus.element",
  },
  inject: ["deep-focus.ts"],
  // Frameworks that draw on a server draw nothing of it there.
  banner: { js: '"use client";' },
  loader: { ".md": "text" },
  metafile: true,
});
await writeNotices([{ metafile }], { root: here, file: `${outdir}/THIRD_PARTY_NOTICES.txt` });
await replaceFolder(outdir, built);
