import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { build } from "esbuild";

const MAX_GZIP_BYTES = 25 * 1024;

describe("the verifier, bundled for a browser", () => {
  let inputs: readonly string[] = [];
  let code: Uint8Array = new Uint8Array();

  beforeAll(async () => {
    const { metafile, outputFiles } = await build({
      entryPoints: ["src/core/verify.ts"],
      bundle: true,
      minify: true,
      format: "esm",
      platform: "browser",
      metafile: true,
      write: false,
      preserveSymlinks: true, // paths as they are below this folder, whatever is linked there
      logLevel: "silent",
    });
    inputs = Object.keys(metafile.inputs);
    code = outputFiles[0]?.contents ?? code;
  });

  test("holds core and @noble alone", () => {
    const foreign = inputs.filter((file) => !file.startsWith("src/core/") && !file.includes("node_modules/@noble/"));
    expect(foreign).toEqual([]);
    expect(inputs).toContain("src/core/verify.ts");
  });

  test("stays under 25 KB of gzip", () => {
    expect(code.length).toBeGreaterThan(0);
    expect(gzipSync(code).length).toBeLessThan(MAX_GZIP_BYTES);
  });
});
