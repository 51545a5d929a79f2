import { describe, expect, test } from "@jest/globals";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const folder = fileURLToPath(new URL("../../viewer-page/", import.meta.url));

/** What a browser that takes brotli is sent. */
function sent(names: readonly string[]): number {
  return names.reduce((bytes, name) => bytes + statSync(`${folder}${name}.br`).size, 0);
}

describe("the viewer's files", () => {
  const html = readFileSync(`${folder}index.html`, "utf8");
  const [script = ""] = /viewer\/page-\w+\.js/.exec(html) ?? [];
  const [style = ""] = /viewer\/page-\w+\.css/.exec(html) ?? [];
  const scripts = readdirSync(`${folder}viewer`).filter((name) => name.endsWith(".js"));
  const chunksOf = (name: string): readonly string[] =>
    [...readFileSync(folder + name, "utf8").matchAll(/from"\.\/([\w-]+\.js)"/g)].map(
      ([, chunk = ""]) => `viewer/${chunk}`,
    );

  test("have names with a hash of their content, beside their compressed forms", () => {
    expect(scripts.filter((name) => !/^[\w-]+-[A-Z0-9]{8}\.js$/.test(name))).toEqual([]);
    const packed = ["index.html", script, style].flatMap((name) => [`${name}.br`, `${name}.gz`]);
    expect(packed.filter((name) => !existsSync(folder + name))).toEqual([]);
  });

  test("for the first paint are less than 160 KB over the wire, and all of them less than 280 KB", () => {
    const first = ["index.html", script, style, ...chunksOf(script)];
    expect(sent(first)).toBeLessThan(160_000);
    expect(sent(["index.html", style, ...scripts.map((name) => `viewer/${name}`)])).toBeLessThan(280_000);
  });
});

test("what another application loads of the viewer at first is less than 110 KB compressed, beside its own React", () => {
  const embedded = fileURLToPath(new URL("../../viewer-embed/", import.meta.url));
  const script = readFileSync(`${embedded}embed.js`, "utf8");
  const chunks = [...script.matchAll(/from"\.\/([\w-]+\.js)"/g)].map(([, chunk = ""]) => chunk);
  const sizes = ["embed.js", ...chunks].map((name) => gzipSync(readFileSync(embedded + name)).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(110_000);
});
