import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { COLUMNS, FIRST_COLUMNS } from "../../viewer/column.js";
import { readView, windowOf, writeView, type View } from "../../viewer/view.js";

const text = fc.string({ unit: "grapheme", maxLength: 30 });
const period: fc.Arbitrary<View["period"]> = fc.oneof(
  fc.constant({ kind: "all" as const }),
  fc.record({ kind: fc.constant("last" as const), last: fc.constantFrom("15min", "7d") }),
  fc.record({
    kind: fc.constant("between" as const),
    start: fc.constant("2026-01-01T00:00:00Z"),
    end: fc.constantFrom("", "2026-02-01T00:00:00Z"),
  }),
);
const views: fc.Arbitrary<View> = fc.record({
  log: text,
  query: text,
  period,
  of: fc.constantFrom("RECEIVED_AT", "TIMESTAMP"),
  sorting: fc.record({
    field: fc.constantFrom("RECEIVED_AT", "ACTOR", "TIMESTAMP", "MESSAGE"),
    direction: fc.constantFrom("ASC", "DESC"),
  }),
  columns: fc.uniqueArray(fc.constantFrom(...COLUMNS), { minLength: 1 }),
  values: fc.boolean(),
  entry: fc.option(fc.maxSafeNat(), { nil: undefined }),
});

describe("the address of a view", () => {
  test("is read as the view that it was written for", () => {
    fc.assert(
      fc.property(views, (view) => {
        expect(readView(writeView(view))).toEqual(view);
      }),
    );
  });

  test("is empty for the view that the page opens with", () => {
    expect(writeView(readView(""))).toBe("");
    expect(readView("").columns).toEqual(FIRST_COLUMNS);
  });

  test.each(["?entry=-1", "?entry=99999999999999999999", "?sort=nothing", "?columns=nothing,", "?of=nothing"])(
    "is the first view's where it says what nobody wrote: %s",
    (search) => {
      expect(readView(search)).toEqual(readView(""));
    },
  );

  test("becomes the window that the API takes", () => {
    expect(windowOf(readView("?last=7d"))).toEqual({ last: "7d", of: "RECEIVED_AT" });
    const [start, end] = ["2026-01-01T00:00:00Z", null];
    expect(windowOf(readView(`?from=${start}&of=event`))).toEqual({ start, end, of: "TIMESTAMP" });
    expect(windowOf(readView(""))).toBeNull();
  });
});
