import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readStaticFiles, type StaticFiles } from "../../src/http/static-files.js";

let folder: string;
let files: StaticFiles;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-static-"));
  await mkdir(join(folder, "assets"));
  await writeFile(join(folder, "index.html"), "<!doctype html>");
  await writeFile(join(folder, "assets", "index-B1a2c3D4.js"), "let a;");
  await writeFile(join(folder, "assets", "plain.css"), "a {}");
  files = await readStaticFiles(folder);
});

afterAll(() => rm(folder, { recursive: true }));

describe("static files", () => {
  test("are those that were in the folder at the start, and no others", () => {
    expect([...files.keys()].sort()).toEqual(["", "assets/index-B1a2c3D4.js", "assets/plain.css"]);
  });

  test("have exact content types", () => {
    expect(files.get("")?.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(files.get("assets/plain.css")?.headers["content-type"]).toBe("text/css; charset=utf-8");
  });

  test("are kept by browsers for ever only if their name has a hash of their content", () => {
    expect(files.get("assets/index-B1a2c3D4.js")?.headers["cache-control"]).toContain("immutable");
    expect(files.get("assets/plain.css")?.headers["cache-control"]).toBe("no-cache");
    expect(files.get("")?.headers["cache-control"]).toBe("no-cache");
  });

  test("let a page load and call this host only", () => {
    expect(files.get("")?.headers["content-security-policy"]).toMatch(/^default-src 'none';.*script-src 'self';/);
  });

  test("are none where there is no folder", async () => {
    expect(await readStaticFiles(join(folder, "missing"))).toEqual(new Map());
  });
});
