import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { chmod, mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WatchedFile } from "../../src/access/watched-file.js";

/** A process has been up for a while: times of the clock are not spans. */
const START_MS = 60_000;

describe("a watched file", () => {
  let folder: string;
  let path: string;
  let clock: { ms: number };
  let reads: number;
  let file: WatchedFile<string>;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "auditql-watched-"));
    path = join(folder, "keys.json");
    await writeFile(path, "one");
    clock = { ms: START_MS };
    reads = 0;
    file = new WatchedFile(path, parse, () => clock.ms);
  });
  afterEach(() => rm(folder, { recursive: true }));

  function parse(text: string): string {
    reads += 1;
    if (text === "broken") throw new Error("broken");
    return text;
  }

  test("is read once for all who ask at the same time", async () => {
    expect(await Promise.all([file.current(), file.current(), file.current()])).toEqual(["one", "one", "one"]);
    expect(reads).toBe(1);
  });

  test("is not looked at again within a second", async () => {
    await file.current();
    await writeFile(path, "a second text");
    clock.ms = START_MS + 999;
    expect(await file.current()).toBe("one");
  });

  test("is read again a second later when it changed", async () => {
    await file.current();
    await writeFile(path, "a second text");
    clock.ms = START_MS + 1_000;
    expect(await file.current()).toBe("a second text");
  });

  test("is not parsed again when it did not change", async () => {
    await file.current();
    clock.ms = START_MS + 5_000;
    await file.current();
    expect(reads).toBe(1);
  });

  test("is read again when it was replaced by one of the same size and time", async () => {
    const other = `${path}.new`;
    await writeFile(other, "two");
    await Promise.all([utimes(path, 1, 1), utimes(other, 1, 1)]);
    await file.current();
    await rename(other, path);
    clock.ms = START_MS + 1_000;
    expect(await file.current()).toBe("two");
  });

  test("lets nobody in while it is gone, and recovers when it is back", async () => {
    await file.current();
    await rm(path);
    clock.ms = START_MS + 1_000;
    await expect(file.current()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await writeFile(path, "back");
    expect(await file.current()).toBe("back");
  });

  test("lets nobody in while it cannot be parsed, though an older version could", async () => {
    await file.current();
    await writeFile(path, "broken");
    clock.ms = START_MS + 1_000;
    await expect(file.current()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await expect(file.current()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("lets nobody in while everybody may write to it", async () => {
    await chmod(path, 0o602);
    await expect(file.current()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("says nothing of the path in the message that a client may see", async () => {
    await rm(path);
    await expect(file.current()).rejects.toThrow(/^Credentials cannot be checked now: try again\.$/);
  });
});
