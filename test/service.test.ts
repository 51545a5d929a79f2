import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "./service.js";

describe("findProgram", () => {
  const savedPath = process.env["PATH"];
  let folder = "";

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "auditql-path-"));
    process.env["PATH"] = folder;
  });

  afterEach(() => {
    process.env["PATH"] = savedPath;
    rmSync(folder, { recursive: true });
  });

  test("answers the path of the first name that can be executed", () => {
    const program = join(folder, "second");
    writeFileSync(program, "#!/bin/sh\necho found\n");
    chmodSync(program, 0o755);
    expect(findProgram("first", "second")).toBe(program);
    expect(execFileSync(program).toString()).toBe("found\n");
  });

  test("passes over a file that cannot be executed", () => {
    writeFileSync(join(folder, "notes"), "");
    chmodSync(join(folder, "notes"), 0o644);
    expect(findProgram("notes")).toBeUndefined();
  });
});
