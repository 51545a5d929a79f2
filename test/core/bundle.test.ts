import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { build } from "esbuild";

describe.each([
  ["entries and roots", "src/core/verify.ts", 25],
  ["completeness", "src/core/verify-completeness.ts", 30],
])("the verifier of %s, bundled for a browser", (_name, entry, most) => {
  let inputs: readonly string[] = [];
  let code: Uint8Array = new Uint8Array();

  beforeAll(async () => {
    const { metafile, outputFiles } = await build({
      entryPoints: [entry],
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
    expect(inputs).toContain(entry);
  });

  test(`stays under ${most} KB of gzip`, () => {
    expect(code.length).toBeGreaterThan(0);
    expect(gzipSync(code).length).toBeLessThan(most * 1024);
  });
});
