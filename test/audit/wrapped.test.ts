import { expect, test } from "@jest/globals";
import { replaced, wrapped } from "../../src/audit/calls.js";

class Counter {
  readonly step = 2;
  #count = 0;

  add(): number {
    return (this.#count += this.step);
  }

  count(): number {
    return this.#count;
  }
}

test("what is not replaced runs on the port itself, with its private fields", () => {
  const counter = new Counter();
  const shown = replaced(counter, { count: () => 7 });
  expect([shown.add(), shown.count(), shown.step]).toEqual([2, 7, 2]);
  expect(counter.count()).toBe(2);
});

test("each method is wrapped once, and called by its name", () => {
  const names: string[] = [];
  const counter = wrapped(new Counter(), (name, call) => {
    names.push(name);
    return (...args) => [name, call(...args)];
  });
  expect([counter.add(), counter.add(), counter.count()]).toEqual([
    ["add", 2],
    ["add", 4],
    ["count", 4],
  ]);
  expect(names).toEqual(["add", "count"]);
});
