import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { build } from "esbuild";

/** What a program imports of `auditql/verify`, as the package ships it, in a bundle that drops the rest. */
describe.each([
  ["entries and roots", "verifyEntry, verifyRoot", 25],
  ["whole responses and downloads", "trustVerifierKey, verifyResponse", 25],
  ["completeness", "verifyCompleteness", 30],
])("the verifier of %s, bundled for a browser", (_name, names, most) => {
  let inputs: readonly string[] = [];
  let code: Uint8Array = new Uint8Array();

  beforeAll(async () => {
    code = await bundled(`export { ${names} } from "./build/dist/verify.js";`);
    inputs = await inputsOf(`export { ${names} } from "./src/verify.ts";`);
  });

  test("holds core and @noble alone", () => {
    const foreign = inputs.filter((file) => !file.startsWith("src/core/") && !file.includes("node_modules/@noble/"));
    expect(foreign.sort()).toEqual(["<stdin>", "src/verify.ts"]);
    expect(inputs).toContain("src/core/verify.ts");
  });

  test(`stays under ${most} KB of gzip`, () => {
    expect(code.length).toBeGreaterThan(0);
    expect(gzipSync(code).length).toBeLessThan(most * 1024);
  });
});

function bundling(contents: string) {
  return build({
    stdin: { contents, resolveDir: "." },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    metafile: true,
    write: false,
    preserveSymlinks: true, // paths as they are below this folder, whatever is linked there
    logLevel: "silent",
  });
}

async function bundled(contents: string): Promise<Uint8Array> {
  const { outputFiles } = await bundling(contents);
  return outputFiles[0]?.contents ?? new Uint8Array();
}

/** The shipped files have many modules each, so whose code is in them the sources say. */
async function inputsOf(contents: string): Promise<readonly string[]> {
  return Object.keys((await bundling(contents)).metafile.inputs);
}
