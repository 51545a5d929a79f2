import { expect, test } from "@jest/globals";
import { Progress, withBars } from "../../src/cli/progress.js";

function terminal(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, write: (text: string | Uint8Array) => written.push(String(text)) > 0, written };
}

test("a bar is redrawn in place on a terminal, and ends its line once", () => {
  const stream = terminal(true);
  const bar = new Progress("default", stream);
  bar.show(1_500, 3_000);
  bar.show(3_000, 3_000);
  bar.end();
  expect(stream.written).toEqual([
    "\rdefault  [###############...............] 1,500 of 3,000",
    "\rdefault  [##############################] 3,000 of 3,000",
    "\n",
  ]);
});

test("a bar that stopped half way leaves the next line to what is written then", async () => {
  const stream = terminal(true);
  const check = withBars("default", stream, ({ onProgress }) => {
    onProgress(1, 2);
    return Promise.reject(new Error("stopped"));
  });
  await expect(check).rejects.toThrow("stopped");
  expect(stream.written.at(-1)).toBe("\n");
});

test("nothing of it reaches a file or a pipe", async () => {
  const stream = terminal(false);
  await withBars("default", stream, ({ onProgress, onIndexing }) => {
    onProgress(2, 2);
    onIndexing(1, 2);
    return Promise.resolve();
  });
  expect(stream.written).toEqual([]);
});
