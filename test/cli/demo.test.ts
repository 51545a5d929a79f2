import { describe, expect, test } from "@jest/globals";
import { MemoryRootCache } from "../../src/caches/memory/root-cache.js";
import { CHANGED, demoDay } from "../../src/cli/demo-day.js";
import { openDemo } from "../../src/cli/demo.js";
import { DEMO_WEBHOOKS } from "../../src/generated/demo-webhooks.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openMemory } from "../../src/stores/memory/open.js";
import { KEYRING } from "../keyring.js";

const DAY_MS = 86_400_000;

describe("the demonstration's day", () => {
  test.each([0, 3.3, 8, 23.9].map((hour) => Date.UTC(2026, 10, 30) + hour * 3_600_000))(
    "that ends at %d is always the same, in order, within 24 hours, with the break-in as a whole",
    (endMs) => {
      const day = demoDay(endMs);
      expect(demoDay(endMs)).toEqual(day);
      expect(day.length).toBeGreaterThan(500);
      const times = day.map(({ atMs }) => atMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...times)).toBeLessThanOrEqual(DAY_MS);
      const dana = day.filter(({ event }) => event.actor === "dana@example.com");
      expect(dana.map(({ event }) => event.action)).toEqual([
        ...Array.from({ length: 10 }, () => "login"),
        ...["read", "grant", "create", "export", "delete"],
      ]);
    },
  );

  test("has what webhooks tell: objects in objects, with what they were before, and their origin", () => {
    const day = demoDay(Date.UTC(2026, 10, 30, 8)).map(({ event }) => event);
    const from = (source: string) => day.filter((event) => event.source === source);
    const [github, stripe] = [from("api.github.com"), from("api.stripe.com")];
    expect(github.length).toBe(DEMO_WEBHOOKS.length);
    expect(stripe.length).toBeGreaterThan(30);
    expect(github.filter((event) => depthOf(event.new) > 1).length).toBeGreaterThan(8);
    expect(stripe.filter((event) => depthOf(event.new) > 3).length).toBeGreaterThan(20);
    for (const events of [github, stripe])
      expect(events.filter(({ old }) => old !== undefined).length).toBeGreaterThan(2);
    expect(new Set(stripe.map(({ action }) => action)).size).toBe(4);
  });

  test("is received as it happened, and of its one changed entry nothing is shown but that", async () => {
    const endMs = Date.UTC(2026, 10, 30, 8);
    const { log: store, index } = indexed(openMemory(), KEYRING);
    const parts = { store, index, cache: new MemoryRootCache(), keyring: KEYRING };
    const { service, entries, changed } = await openDemo(parts, endMs);
    const { result, leafIndexes } = await service.search({ log: "default", query: "actor:dana" }, { first: 30 });
    expect(await result.totalCount()).toBe(15);
    expect(leafIndexes).toContain(changed);
    const outcomes = await service.entries("default", leafIndexes);
    expect(outcomes.filter(({ kind }) => kind !== "entry")).toEqual([{ kind: "corrupt", leafIndex: changed }]);
    const all = await service.search({ log: "default", query: "" }, { first: 1 });
    const { buckets } = await all.result.histogram({ of: "received_at", buckets: 24 });
    expect(buckets.filter(({ count }) => count > 0).length).toBeGreaterThan(10);
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(entries);
    const [row] = await store.entries("default", [changed]);
    expect(row?.canonical).toContain(CHANGED.logged); // it was logged so, and the store says something else
    await service.close();
    await index.close();
    await store.close();
  });
});

/** How many objects and lists a value has in each other. */
function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
