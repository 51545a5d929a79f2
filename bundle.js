// Bundles what tsc wrote into build/dist, the files of the package: a process that reads a few files starts with half of the
// processor time of one that reads a thousand. The input is tsc's, because type-graphql reads the metadata of decorators, which esbuild drops.
import { build } from "esbuild";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeNotices } from "./notices.js";

/** Native, or loaded only where the settings ask for it: it costs other starts nothing, and tracing may patch it. */
const EXTERNAL = ["libsql", "ioredis", "pg", "pg-connection-string", "undici"];
/** Whose webhooks the demonstration has: src/generated/demo-webhooks.ts. */
const COPIED = ["@octokit/webhooks-examples"];
/** Optional parts of others, which nobody installs. */
const ABSENT = ["class-validator", "bufferutil", "utf-8-validate"];

const common = {
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
const program = (places) =>
  build({
    ...common,
    ...places,
    ...{ banner, splitting: true, external: [...EXTERNAL, ...ABSENT] },
    entryPoints: { main: "build/src/start.js" },
  });

/** Each thread loads one file, whose name says what it is. */
const threads = (places) =>
  build({ ...common, ...places, external: EXTERNAL, entryPoints: ["build/src/**/*-worker.js"] });

/**
 * What programs import, in browsers too: packages stay imports, for bundlers and for programs that share them. The two
 * parts of the verifier are files of their own, so that a bundler drops completeness, with its tables of Unicode, where nobody imports it.
 */
const library = (places) =>
  build({
    ...common,
    ...places,
    ...{ splitting: true, packages: "external" },
    entryPoints: ["index", "verify", "core/verify-response", "core/verify-completeness"].map(
      (name) => `build/src/${name}.js`,
    ),
  });

/** Bundles the project in this folder, where its bundle is older than what tsc wrote. Jest calls it before tests start it. */
export default async function bundle(root) {
  const bundled = join(root, "build/dist");
  if (await isFresh(root, bundled)) return;
  const outdir = `${bundled}.${process.pid}`;
  try {
    await mkdir(outdir, { recursive: true });
    const built = await Promise.all([program, threads, library].map((part) => part({ absWorkingDir: root, outdir })));
    const file = join(outdir, "THIRD_PARTY_NOTICES.txt");
    await writeNotices(built, { root, file, copied: COPIED });
    await rm(bundled, { recursive: true, force: true });
    await rename(outdir, bundled);
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
}

async function isFresh(root, bundled) {
  const made = await stat(join(bundled, "main.js")).catch(() => undefined);
  if (made === undefined) return false;
  const names = await readdir(join(root, "build/src"), { recursive: true });
  const inputs = ["bundle.js", "notices.js", "package-lock.json"].concat(
    names.filter((name) => name.endsWith(".js")).map((name) => `build/src/${name}`),
  );
  const changes = await Promise.all(inputs.map(async (name) => (await stat(join(root, name))).mtimeMs));
  return changes.every((changed) => changed < made.mtimeMs);
}

const here = fileURLToPath(import.meta.url);
if (process.argv[1] === here) await bundle(join(here, ".."));
