import { describe, expect, test } from "@jest/globals";
import { AuditError } from "../../../src/audit/errors.js";
import type { Entry } from "../../../src/audit/service.js";
import { Lookups, microsOf, type LoggedEvent, type Shown, type Window } from "../../../src/backends/pangea/lookups.js";
import { digestOf } from "../../../src/core/bytes.js";
import { closedGate } from "../../engine/test-log.js";
import { rejection } from "../../engine/rejection.js";

/** An event that was logged in a microsecond of a second. */
function event(micros: number, second = 10): LoggedEvent {
  const received_at = `2026-01-01T00:00:${second}.${String(micros).padStart(6, "0")}Z`;
  const hash = digestOf(new Uint8Array(32).fill(micros + second));
  return { hash, envelope: { event: { message: "m" }, received_at } };
}

function entryOf({ hash, envelope }: LoggedEvent): Entry {
  return { log: "default", leafIndex: 0, hash, canonical: "", envelope };
}

function shown(...events: readonly LoggedEvent[]): Shown {
  return new Map(events.map((one) => [one.hash, [entryOf(one)]]));
}

describe("events that were just logged", () => {
  test("are found in just their microseconds, in the order given", async () => {
    const windows: Window[] = [];
    const [one, two] = [event(5), event(3)];
    const lookups = new Lookups((window) => {
      windows.push(window);
      return Promise.resolve(shown(one, two));
    });
    expect(await lookups.find([one, two], undefined)).toEqual([entryOf(one), entryOf(two)]);
    expect(windows).toEqual([{ start: "2026-01-01T00:00:10.000003Z", end: "2026-01-01T00:00:10.000006Z" }]);
  });

  test("wait for a search that finds all of them, while others run; those of another time have their own", async () => {
    const gate = closedGate();
    const windows: Window[] = [];
    const all = Array.from({ length: 20 }, (_, i) => event(i));
    const far = event(0, 40);
    const lookups = new Lookups(async (window) => {
      windows.push(window);
      await gate.passed;
      return shown(...all, far);
    });
    const found = [...all, far].map((one) => lookups.find([one], undefined));
    expect(windows).toHaveLength(4);
    gate.open();
    expect((await Promise.all(found)).flat()).toEqual([...all, far].map(entryOf));
    expect(windows.slice(4)).toEqual([
      { start: "2026-01-01T00:00:10.000004Z", end: "2026-01-01T00:00:10.000020Z" },
      { start: "2026-01-01T00:00:40.000000Z", end: "2026-01-01T00:00:40.000001Z" },
    ]);
  });

  test("get an entry each where they are the same, and wait for no other where one was logged elsewhere", async () => {
    const gate = closedGate();
    const same = event(7);
    const entries = [3, 4, 5].map((leafIndex) => ({ ...entryOf(same), leafIndex }));
    const lookups = new Lookups(async () => {
      await gate.passed;
      return new Map([[same.hash, entries]]);
    });
    const before = [1, 2, 3, 4].map((micros) => rejection(lookups.find([event(micros, 40)], undefined)));
    const found = [[same, same], [same], [same]].map((logged) => lookups.find(logged, undefined));
    gate.open();
    const places = (await Promise.all(found)).map((one) => one.map(({ leafIndex }) => leafIndex));
    expect(places).toEqual([[3, 4], [5], [5]]);
    await Promise.all(before);
  });

  test("are looked for again where the service does not show them at once", async () => {
    let looks = 0;
    const one = event(1);
    const lookups = new Lookups(() => Promise.resolve(++looks < 3 ? shown() : shown(one)));
    expect(await lookups.find([one], undefined)).toEqual([entryOf(one)]);
  });

  test("are an error where the search fails, and the next are found", async () => {
    let looks = 0;
    const one = event(1);
    const lookups = new Lookups(() =>
      ++looks === 1 ? Promise.reject(new AuditError("UNAVAILABLE", "not now")) : Promise.resolve(shown(one)),
    );
    expect((await rejection(lookups.find([one], undefined))).code).toBe("UNAVAILABLE");
    expect(await lookups.find([one], undefined)).toEqual([entryOf(one)]);
  });

  test("are not waited for by a caller that gives up, and others still get theirs", async () => {
    const gate = closedGate();
    const one = event(1);
    const lookups = new Lookups(async () => {
      await gate.passed;
      return shown(one);
    });
    const stop = new AbortController();
    const [given, kept] = [lookups.find([one], stop.signal), lookups.find([one], undefined)];
    const reason = new Error("enough");
    stop.abort(reason);
    await expect(given).rejects.toBe(reason);
    gate.open();
    expect(await kept).toEqual([entryOf(one)]);
  });
});

test("a time of an envelope is so many microseconds since 1970", () => {
  expect(microsOf("1970-01-01T00:00:01.000002Z")).toBe(1_000_002);
});
