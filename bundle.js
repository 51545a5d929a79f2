// Bundles what tsc wrote into build/dist, the files of the package: a process that reads three files starts in half the time
// of one that reads thousand. The input is tsc's, because type-graphql reads the metadata of decorators, which esbuild drops.
import { build } from "esbuild";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { noticesOf } from "./notices.js";

const root = fileURLToPath(new URL(".", import.meta.url));
const OUT = `${root}build/dist`;

/** Native, or loaded only where the settings ask for it: it costs other starts nothing, and tracing may patch it. */
const EXTERNAL = ["libsql", "ioredis", "pg", "pg-connection-string", "undici"];
/** Optional parts of others, which nobody installs. */
const ABSENT = ["class-validator", "bufferutil", "utf-8-validate"];

const THREADS = [
  "stores/sqlite/block-reader-worker",
  "stores/sqlite/block-writer-worker",
  "stores/sqlite/log-reader-worker",
  "stores/sqlite/log-writer-worker",
  "engine/search/segment-maker-worker",
];

const common = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  entryNames: "[name]",
  // Threads are started as "./name.js": all files lie in one folder.
  chunkNames: "[name]-[hash]",
  // Less to parse, in lines that an error can quote; names stay, for stack traces.
  ...{ minifyWhitespace: true, minifySyntax: true, lineLimit: 120 },
  sourcemap: true,
  sourcesContent: true,
  // In one file of notices instead.
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
};

/** Bundled CommonJS asks for Node's own modules with `require`. */
const banner = {
  js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
};

/** The program, with all that each start needs. */
const program = (outdir) =>
  build({
    ...common,
    ...{ outdir, banner, splitting: true, external: [...EXTERNAL, ...ABSENT] },
    entryPoints: { main: "build/src/start.js" },
  });

/** Each thread loads one file. */
const threads = (outdir) =>
  build({ ...common, outdir, external: EXTERNAL, entryPoints: THREADS.map((name) => `build/src/${name}.js`) });

/** What programs import, in browsers too: packages stay imports, for bundlers and for programs that share them. */
const library = (outdir) =>
  build({
    ...common,
    ...{ outdir, splitting: true, packages: "external" },
    entryPoints: ["build/src/index.js", "build/src/verify.js"],
  });

/** Bundles where the folder is older than what tsc wrote. Jest calls it before the tests, which start the program. */
export default async function bundle() {
  if (await isFresh()) return;
  const outdir = `${OUT}.${process.pid}`;
  try {
    await mkdir(outdir, { recursive: true });
    const built = await Promise.all([program, threads, library].map((part) => part(outdir)));
    await noticesOf(built, root, `${outdir}/THIRD_PARTY_NOTICES.txt`);
    await rm(OUT, { recursive: true, force: true });
    await rename(outdir, OUT);
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
}

async function isFresh() {
  const bundled = await stat(`${OUT}/main.js`).catch(() => undefined);
  if (bundled === undefined) return false;
  const names = await readdir(`${root}build/src`, { recursive: true });
  const inputs = ["bundle.js", "notices.js", "package-lock.json"].concat(
    names.filter((name) => name.endsWith(".js")).map((name) => `build/src/${name}`),
  );
  const ages = await Promise.all(inputs.map(async (name) => (await stat(root + name)).mtimeMs));
  return ages.every((changed) => changed < bundled.mtimeMs);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
