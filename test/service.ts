import { describe, expect, test } from "@jest/globals";

export { findProgram } from "./program.js";

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

/**
 * Declares tests that need a right which no installation gives, such as to mount a file system. Where the machine does
 * not give it, in CI too, a test in their place says by its name what was not tested.
 */
export function describePermitted(right: string, isPermitted: boolean, body: () => void): void {
  if (isPermitted) {
    describe(`where it is permitted to ${right}`, body);
    return;
  }
  test(`it is not permitted here to ${right}: N/A`, () => {
    expect(isPermitted).toBe(false);
  });
}
