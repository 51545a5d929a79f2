import { expect, test } from "@jest/globals";
import { Contention } from "../../../src/stores/postgres/contention.js";

const APPENDS_UNTIL_SURE = 32;

test("a gateway that is alone swaps", () => {
  expect(new Contention().locksFirst("default")).toBe(false);
});

test("after a conflict the log's appends lock first, until enough of them went well", () => {
  const contention = new Contention();
  contention.conflicted("default");
  for (let appends = 0; appends < APPENDS_UNTIL_SURE; appends++) {
    expect(contention.locksFirst("default")).toBe(true);
    contention.appended("default");
  }
  expect(contention.locksFirst("default")).toBe(false);
});

test("a further conflict starts the count again", () => {
  const contention = new Contention();
  contention.conflicted("default");
  for (let appends = 1; appends < APPENDS_UNTIL_SURE; appends++) contention.appended("default");
  contention.conflicted("default");
  contention.appended("default");
  expect(contention.locksFirst("default")).toBe(true);
});

test("a conflict in one log says nothing of another", () => {
  const contention = new Contention();
  contention.conflicted("busy");
  expect(contention.locksFirst("quiet")).toBe(false);
});
