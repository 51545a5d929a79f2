import { expect, test } from "@jest/globals";
import { Turns } from "../../../src/engine/search/turns.js";

/** Work that ends when it is told to, and what has begun. */
function workshop(turns: Turns) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string, signal?: AbortSignal): Promise<string> =>
    turns.run(async () => {
      begun.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      return name;
    }, signal);
  return { begun, start, end: (name: string) => ends.get(name)?.() };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("so many run at once, and the others in the order in which they came", async () => {
  const { begun, start, end } = workshop(new Turns(2));
  const all = ["a", "b", "c", "d"].map((name) => start(name));
  await settled();
  expect(begun).toEqual(["a", "b"]);
  end("b");
  await settled();
  expect(begun).toEqual(["a", "b", "c"]);
  for (const name of ["a", "c"]) end(name);
  await settled();
  end("d");
  expect(await Promise.all(all)).toEqual(["a", "b", "c", "d"]);
});

test("so many run at once again when all were done", async () => {
  const turns = new Turns(1);
  await turns.run(() => Promise.resolve());
  const { begun, start, end } = workshop(turns);
  const all = ["a", "b"].map((name) => start(name));
  await settled();
  expect(begun).toEqual(["a"]);
  end("a");
  await settled();
  end("b");
  await Promise.all(all);
});

test("a turn is passed on where work fails, or nobody wants it any more", async () => {
  const turns = new Turns(1);
  const failed = turns.run(() => Promise.reject(new Error("failed")));
  const caller = new AbortController();
  const gone = turns.run(() => Promise.resolve("never"), caller.signal);
  const last = turns.run(() => Promise.resolve("last"));
  caller.abort(new Error("gone"));
  await expect(failed).rejects.toThrow("failed");
  await expect(gone).rejects.toThrow("gone");
  expect(await last).toBe("last");
  expect(await turns.run(() => Promise.resolve("again"))).toBe("again");
});
