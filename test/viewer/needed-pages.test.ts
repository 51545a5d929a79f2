import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { MOST_PAGES, NeededPages } from "../../viewer/needed-pages.js";

const range = fc.tuple(fc.nat(200), fc.nat(3));

test("the pages that are kept are those that were needed last, and each that is missing is fetched once", () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 80 }), (ranges) => {
      const needed = new NeededPages([0]);
      let there: ReadonlyMap<number, string> = new Map([[0, "rows 0"]]);
      let order = [0];
      for (const [first, more] of ranges) {
        const pages = Array.from({ length: more + 1 }, (_, i) => first + i);
        const missing = needed.need(first, first + more);
        expect(missing).toEqual(pages.filter((page) => !order.includes(page)));
        order = [...order.filter((page) => !pages.includes(page)), ...pages].slice(-MOST_PAGES);
        for (const page of missing) there = needed.kept(new Map(there).set(page, `rows ${page}`));
        expect(new Set(needed.kept(there).keys())).toEqual(new Set(order));
      }
    }),
  );
});

test("a page that was not fetched is fetched when it is needed again, and one that is forgotten on its way is not kept", () => {
  const needed = new NeededPages([]);
  expect(needed.need(3, 4)).toEqual([3, 4]);
  needed.forget(4);
  expect(needed.need(3, 4)).toEqual([4]);
  needed.need(100, 99 + MOST_PAGES);
  expect(needed.kept(new Map([[3, "late"]])).size).toBe(0);
});
