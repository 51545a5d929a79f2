import { beforeEach, expect, test } from "@jest/globals";
import type { CheckedEvent } from "../../../src/audit/checked-request.js";
import type { Logged } from "../../../src/audit/service.js";
import { logFormat } from "../../../src/core/format.js";
import { BulkLane } from "../../../src/engine/bulk/bulk-lane.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { rejection } from "../rejection.js";
import { closedGate } from "../test-log.js";

const format = logFormat("rfc6962", nodeSha256);
const requestOf = (name: string): readonly CheckedEvent[] => [{ event: { message: name } }];
/** Of a request's one text. */
const CHARACTERS = format.signedText({ message: "a" }).length;

let begun: string[];
let gates: Map<string, ReturnType<typeof closedGate>>;
beforeEach(() => {
  [begun, gates] = [[], new Map<string, ReturnType<typeof closedGate>>()];
});

/** Appends two at once; so many characters may wait. */
function laneOf(maxWaitingCharacters = 3 * CHARACTERS): BulkLane {
  const append = async ([first]: readonly CheckedEvent[]): Promise<Logged> => {
    const message = first?.event.message;
    const name = typeof message === "string" ? message : "";
    begun.push(name);
    const gate = closedGate();
    gates.set(name, gate);
    await gate.passed;
    if (name === "x") throw new Error("failed");
    return {
      entries: [],
      root: { log: "", treeSize: 0, hash: "", checkpoint: "", publishedAt: "" },
    } as unknown as Logged;
  };
  return new BulkLane({ format, append }, { atOnce: 2, maxWaitingCharacters });
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const end = async (name: string): Promise<void> => {
  gates.get(name)?.open();
  await settled();
};

test("two requests are appended at once, and the others in their order, as turns are passed on", async () => {
  const lane = laneOf();
  const all = ["a", "x", "c", "d"].map((name) => lane.append(requestOf(name)).catch(() => name));
  await settled();
  expect(begun).toEqual(["a", "x"]);
  await end("x"); // a turn is passed on by what fails, too
  expect(begun).toEqual(["a", "x", "c"]);
  await end("a");
  await end("c");
  await end("d");
  expect((await Promise.all(all)).filter((outcome) => typeof outcome === "string")).toEqual(["x"]);
  begun.length = 0;
  const later = ["a", "b", "c"].map((name) => lane.append(requestOf(name)));
  await settled();
  expect(begun).toEqual(["a", "b"]); // when all were done, two again
  for (const name of ["a", "b", "c"]) await end(name);
  await Promise.all(later);
});

test("as many wait as there is room for, but for one, which always has some", async () => {
  const refused = { code: "UNAVAILABLE", outcome: "NONE", retryAfterMs: 1_000 };
  for (const [most, waits] of [
    [0, 1],
    [2 * CHARACTERS - 1, 1],
    [2 * CHARACTERS, 2],
    [3 * CHARACTERS, 3],
  ] as const) {
    begun.length = 0;
    const lane = laneOf(most);
    const names = ["a", "b", ...["c", "d", "e"].slice(0, waits)];
    const all = names.map((name) => lane.append(requestOf(name)));
    await settled();
    expect(await rejection(lane.append(requestOf("z")))).toMatchObject(refused);
    await end("a");
    const more = lane.append(requestOf("f")); // the room of what has begun is free again
    await settled();
    for (const name of [...names.slice(1), "f"]) await end(name);
    await Promise.all([...all, more]);
    expect(begun).toEqual([...names, "f"]);
  }
});

test("those that wait are refused when the lane is closed, and those that were begun are not", async () => {
  const lane = laneOf(2 * CHARACTERS);
  const running = ["a", "b"].map((name) => lane.append(requestOf(name)));
  const waiting = ["c", "d"].map((name) => rejection(lane.append(requestOf(name))));
  await settled();
  lane.close();
  const message = "The service is closing, and nothing of this request was logged: try again.";
  for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: "UNAVAILABLE", message });
  const later = ["e", "f"].map((name) => lane.append(requestOf(name))); // there is room for as many as before
  await settled();
  for (const name of ["a", "b", "e", "f"]) await end(name);
  await Promise.all([...running, ...later]);
  expect(begun).toEqual(["a", "b", "e", "f"]);
});
