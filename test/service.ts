import { describe, test } from "@jest/globals";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * Declares tests that need a program from outside the package: never silently skipped.
 *
 * With the program the body runs as a `describe`. Without it, one test stands in its place: it fails when `CI=true`,
 * where every program must be installed, and elsewhere says by its name what was not tested.
 */
export function describeWith(program: string, available: boolean, body: () => void): void {
  if (available) {
    describe(`with ${program}`, body);
    return;
  }
  test(`${program} is not installed: N/A here, required in CI`, () => {
    if (process.env["CI"] === "true") throw new Error(`${program} must be installed when CI=true`);
  });
}

/** Answers the absolute path of the first of `names` that is an executable file on PATH. */
export function findProgram(...names: readonly string[]): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
