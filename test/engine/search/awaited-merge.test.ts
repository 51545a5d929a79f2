import { expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const PROCESS = fileURLToPath(new URL("./awaited-merge.js", import.meta.url));
/** Of Node, for a process that ends although something is waited for. */
const UNSETTLED = 13;

test.each([
  ["that somebody waits for, as a check does, holds the process until it is made", [], [0, "3/0 of 4278"]],
  ["that is made by the way lets the process end", ["unawaited"], [UNSETTLED, ""]],
] as const)("a large merge %s", (_, args, ended) => {
  const { status, stdout } = spawnSync(process.execPath, [PROCESS, ...args], { encoding: "utf8" });
  expect([status, stdout]).toEqual(ended);
});
