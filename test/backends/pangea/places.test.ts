import { afterEach, describe, expect, test } from "@jest/globals";
import type { Receipt } from "../../../src/audit/service.js";
import { VALID } from "../../../src/core/verdict.js";
import { message, messages } from "../../engine/test-log.js";
import type { FakeOptions } from "./fake-service.js";
import { openedPangea, type OpenedPangea } from "./opened.js";

let opened: OpenedPangea | undefined;
afterEach(() => opened?.close());

async function open(options: FakeOptions = {}): Promise<OpenedPangea> {
  opened = await openedPangea(options);
  return opened;
}

function log({ service }: OpenedPangea, count = 1): Promise<Receipt> {
  const events = count === 1 ? [message("one")] : messages(count);
  return service.append({ log: "default", events, sign: false, path: count === 1 ? "event" : "events" });
}

/** By a client of the service itself. */
function logElsewhere({ fake }: OpenedPangea, count = 1): void {
  const events = Array.from({ length: count }, (_, i) => ({ event: { message: `elsewhere ${i}` } }));
  const body = JSON.stringify({ events, verbose: true });
  fake.respond({ method: "POST", path: "/v2/log", headers: {}, body });
}

const placesOf = ({ entries, root }: Receipt): readonly number[] => [
  ...entries.map(({ leafIndex }) => leafIndex),
  root.treeSize,
];

describe("where an event is that was just logged", () => {
  test("is proven by the root of so many more leaves once the log was seen, without a search", async () => {
    const gateway = await open();
    logElsewhere(gateway, 5);
    expect(placesOf(await log(gateway))).toEqual([5, 6]);
    expect(gateway.calls()).toContain("/v1/search");

    expect(placesOf(await log(gateway))).toEqual([6, 7]);
    expect(placesOf(await log(gateway, 30))).toEqual([...Array.from({ length: 30 }, (_, i) => 7 + i), 37]);
    expect(placesOf(await log(gateway))).toEqual([37, 38]);
    expect(gateway.calls()).toEqual(["/v1/log", "/v1/root", "/v2/log", "/v1/root", "/v1/log", "/v1/root"]);
  });

  test("has a proof under the receipt's root, which the service never sent", async () => {
    const gateway = await open();
    await log(gateway, 3);
    const { entries, root } = await log(gateway, 30);
    const { treeSize } = root;
    const [leafIndexes, hashes] = [entries.map(({ leafIndex }) => leafIndex), entries.map(({ hash }) => hash)];
    const wanted = { log: "default", treeSize, leafIndexes, hashes };
    expect(await gateway.service.membershipVerdicts(wanted)).toEqual(entries.map(() => VALID));
    const proofs = await gateway.service.membershipProofs(wanted);
    expect(proofs.map((proof) => [proof.treeSize, proof.text])).toEqual(entries.map(() => [treeSize, undefined]));
    expect(gateway.calls()).not.toContain("/v1/results");
    const swapped = { ...wanted, hashes: [...hashes].reverse() };
    await expect(gateway.service.membershipProofs(swapped)).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  test("is searched for where others have logged since, and proven again behind them", async () => {
    const gateway = await open();
    await log(gateway);
    logElsewhere(gateway, 4);
    gateway.calls();
    expect(placesOf(await log(gateway))).toEqual([5, 6]);
    expect(gateway.calls()).toEqual(["/v1/log", "/v1/root", "/v1/search"]);
    // One request after a failure does not try.
    expect(placesOf(await log(gateway))).toEqual([6, 7]);
    expect(gateway.calls()).toEqual(["/v1/log", "/v1/search"]);
    expect(placesOf(await log(gateway))).toEqual([7, 8]);
    expect(gateway.calls()).toEqual(["/v1/log", "/v1/root"]);
  });

  test("is never proven by a root that is another tree's of the same size", async () => {
    const gateway = await open();
    await log(gateway);
    gateway.fake.tamper = (path, result) =>
      path === "/v1/root" ? { data: { ...(result["data"] as object), root_hash: "ab".repeat(32) } } : result;
    gateway.calls();
    expect(await log(gateway).catch((error: unknown) => error)).toMatchObject({ code: "ROOT_CONFLICT" });
    expect(gateway.calls()).toEqual(["/v1/log", "/v1/root", "/v1/search"]);
  });

  test.each([
    ["gathers several events under a leaf", { hotSize: 3, publishesAtOnce: false }],
    ["publishes later", { publishesAtOnce: false }],
  ])("is searched for at a service that %s, and asked for in vain ever less often", async (_, options) => {
    const gateway = await open(options);
    for (let i = 0; i < 40; i++) {
      const { entries } = await log(gateway);
      expect(entries).toHaveLength(1);
    }
    const calls = gateway.calls();
    expect(calls.filter((path) => path === "/v1/search").length).toBeGreaterThanOrEqual(40);
    expect(calls.filter((path) => path === "/v1/root").length).toBeLessThanOrEqual(6);
  });
});
