import { beforeEach, describe, expect, test } from "@jest/globals";
import type { BlockStore } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import { GroupTooLarge } from "../../../src/core/segment/term-table.js";
import { SegmentLost } from "../../../src/engine/search/open-segment.js";
import { closedGate } from "../test-log.js";
import { above, Bench, BLOCKS, GROUP, LOG, names, ones, run, segmentOf } from "./builder-bench.js";

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe("what builds the segments of a log", () => {
  test("builds each whole group that is not stored, in its order, and asks for a turn only when there is one", async () => {
    await bench.put({ level: 1, number: 1 });
    bench.size = 4 * GROUP - 1;
    bench.blocks = replaced<BlockStore>(bench.memory, { remove: () => Promise.reject(new Error("there is nothing")) });
    const builder = await run(bench);
    expect(bench.made).toEqual(["1/0", "1/2"]);
    const { claims } = bench;
    builder.wake();
    await builder.ended();
    expect(bench.claims).toBe(claims);
    bench.size += 1;
    builder.wake();
    await builder.ended();
    expect(bench.made).toEqual(["1/0", "1/2", "1/3"]);
  });

  test("gives way to those that answer requests, unless it is two groups behind: a merge counts as all else", async () => {
    bench.size = 2 * GROUP - 1;
    await run(bench);
    expect([bench.made, bench.hurried]).toEqual([["1/0"], []]);
    bench = new Bench();
    await bench.put(...ones(16));
    bench.size = 18 * GROUP;
    await run(bench);
    expect([bench.made, bench.hurried]).toEqual([
      ["2/0", "1/16", "1/17"],
      ["2/0", "1/16"],
    ]);
  });

  test("is unfinished while another has the turn, or when it failed, until it has looked and there is nothing to do", async () => {
    await bench.put(...ones(16));
    bench.size = 16 * GROUP;
    let isMine = false;
    bench.blocks = replaced<BlockStore>(bench.memory, { claim: () => Promise.resolve(isMine) });
    const builder = await run(bench);
    expect([builder.isUnfinished, bench.made]).toEqual([true, []]);
    isMine = true;
    bench.merge = () => Promise.reject(new Error("no memory"));
    builder.wake();
    await builder.ended();
    expect([builder.isUnfinished, bench.made]).toEqual([true, ["2/0"]]);
    bench.merge = ([first]) => Promise.resolve(segmentOf(above(first)));
    builder.wake();
    await builder.ended();
    expect([builder.isUnfinished, bench.made]).toEqual([false, ["2/0", "2/0"]]);
  });

  test("is unfinished when a list that was read meanwhile has neighbours to be merged", async () => {
    const { builder, stored } = await bench.begin();
    await bench.put(...ones(15));
    builder.seen(await stored.reload());
    expect(builder.isUnfinished).toBe(false);
    await bench.put(...ones(1, 15));
    builder.seen(await stored.reload());
    expect(builder.isUnfinished).toBe(true);
  });

  test("merges 16 neighbours before it builds more, and removes them when the index log names what covers them", async () => {
    await bench.put(...ones(16));
    bench.size = 17 * GROUP - 1;
    const builder = await run(bench);
    expect([bench.made, await bench.listed()]).toEqual([["2/0"], [...names(ones(16)), "2/0"]]);
    bench.size = 17 * GROUP;
    builder.wake();
    await builder.ended();
    expect([bench.made, await bench.listed()]).toEqual([
      ["2/0", "1/16"],
      ["1/16", "2/0"],
    ]);
  });

  test("removes a single child that was left beside what covers it", async () => {
    await bench.put({ level: 1, number: 3 }, { level: 1, number: 16 }, { level: 2, number: 0 });
    bench.size = 17 * GROUP;
    await run(bench);
    expect([bench.made, await bench.listed()]).toEqual([[], ["1/16", "2/0"]]);
  });

  test.each([
    ["15", ones(15)],
    ["16 that begin elsewhere", ones(16, 1)],
    ["16 with a gap", [...ones(8), ...ones(8, 9)]],
    ["16 of the highest level", ones(16).map(({ number }) => ({ level: 4, number }))],
  ])("merges nothing of %s", async (_, ids) => {
    await bench.put(...ids);
    bench.blocks = replaced<BlockStore>(bench.memory, { put: () => Promise.resolve() }); // what is missing stays so
    await run(bench);
    expect(bench.made.filter((name) => !name.startsWith("1/"))).toEqual([]);
  });

  test("builds a child again that turns out damaged when it is merged, and merges then, without being asked again", async () => {
    await bench.put(...ones(16));
    bench.size = 16 * GROUP;
    let isDamaged = true;
    bench.merge = (children) => {
      const [first, , , fourth] = children;
      if (!isDamaged || fourth === undefined) return Promise.resolve(segmentOf(above(first)));
      isDamaged = false;
      return Promise.reject(new SegmentLost(fourth));
    };
    await run(bench);
    expect([bench.made, bench.warnings]).toEqual([["2/0", "1/3", "2/0"], []]);
  });

  test("tries no segment again that the store does not list after it took it", async () => {
    bench.size = 3 * GROUP;
    bench.blocks = replaced<BlockStore>(bench.memory, {
      put: (log, segment) => (segment.number === 1 ? Promise.resolve() : bench.memory.put(log, segment)),
    });
    const builder = await run(bench);
    builder.wake();
    await builder.ended();
    expect([bench.made, await bench.listed()]).toEqual([
      ["1/0", "1/1", "1/2"],
      ["1/0", "1/2"],
    ]);
  });

  test("leaves more blocks than fit in memory to the large merge, and goes on with what is small", async () => {
    await bench.put(...ones(16));
    bench.size = 17 * GROUP;
    bench.mergedInMemory = 16 * BLOCKS - 1;
    bench.mergeLarge = ({ children: [first] }) =>
      bench.memory.stage(LOG, above(first), []).then(() => segmentOf(above(first)));
    await run(bench);
    expect(bench.made).toEqual(["large 2/0", "1/16"]);
  });

  test("goes on when a large merge is done, without being asked", async () => {
    await bench.put(...ones(16));
    bench.size = 16 * GROUP;
    bench.mergedInMemory = 16 * BLOCKS - 1;
    const [merged, woken] = [closedGate(), closedGate()];
    bench.mergeLarge = ({ children: [first] }) =>
      merged.passed.then(() => bench.memory.stage(LOG, above(first), [])).then(() => segmentOf(above(first)));
    await run(bench);
    bench.headRead = () => (woken.open(), Promise.resolve());
    merged.open();
    await woken.passed;
  });

  test("leaves a group out that has too many words, and says so once", async () => {
    bench.size = 2 * GROUP;
    bench.build = (number) =>
      number === 0
        ? Promise.reject(new GroupTooLarge("too many words"))
        : Promise.resolve(segmentOf({ level: 1, number }));
    const builder = await run(bench);
    builder.wake();
    await builder.ended();
    expect([bench.made, await bench.listed()]).toEqual([["1/0", "1/1"], ["1/1"]]);
    expect(bench.warnings).toEqual(["entries 0 to 4095 of default have too many words: each search reads them all"]);
  });

  test("builds and merges again what the store has lost since", async () => {
    await bench.put(...ones(16));
    bench.size = 17 * GROUP;
    const { builder, stored } = await bench.begin();
    const made = [["2/0", "1/16"], ["1/16"], ["2/0"]];
    builder.wake();
    await builder.ended();
    expect(bench.made).toEqual(made[0]);
    await bench.memory.remove(LOG, [{ level: 1, number: 16 }]);
    await stored.reload();
    builder.wake();
    await builder.ended();
    expect(bench.made.slice(2)).toEqual(made[1]);
    await bench.memory.remove(LOG, [{ level: 2, number: 0 }]);
    await bench.put(...ones(16));
    await stored.reload();
    builder.wake();
    await builder.ended();
    expect(bench.made.slice(3)).toEqual(made[2]);
  });

  test("does nothing while another gateway has the turn", async () => {
    bench.size = GROUP;
    bench.blocks = replaced<BlockStore>(bench.memory, { claim: () => Promise.resolve(false) });
    await run(bench);
    expect([bench.made, bench.claims]).toEqual([[], 1]);
  });

  test("builds a stored segment again, once, when told that it is outdated, unless it has gone", async () => {
    await bench.put(...ones(2));
    bench.size = 2 * GROUP;
    const { builder } = await bench.begin();
    const [first = segmentOf({ level: 1, number: 0 })] = await bench.memory.segments(LOG);
    bench.build = (number) => Promise.resolve(segmentOf({ level: 1, number }, 2));
    builder.renew(first);
    builder.renew(first);
    await builder.ended();
    const renewed = segmentOf({ level: 1, number: 0 }, 2).digest;
    expect([bench.made, (await bench.memory.segments(LOG))[0]?.digest]).toEqual([["1/0"], renewed]);
    builder.renew(segmentOf({ level: 1, number: 2 }));
    await builder.ended();
    expect(bench.made).toEqual(["1/0"]);
    bench.size = 3 * GROUP;
    builder.wake();
    await builder.ended();
    expect(bench.made).toEqual(["1/0", "1/2"]); // a new one, which is not outdated
  });

  test("ends with the segment in hand when it is closed, and begins no more", async () => {
    bench.size = 3 * GROUP;
    const [begun, gate] = [closedGate(), closedGate()];
    bench.build = (number) => (begun.open(), gate.passed.then(() => segmentOf({ level: 1, number })));
    const { builder } = await bench.begin();
    builder.wake();
    await begun.passed;
    const closed = builder.close().then(() => bench.listed());
    await new Promise(setImmediate);
    gate.open();
    expect(await closed).toEqual(["1/0"]);
    builder.wake();
    await builder.ended();
    expect([bench.made, await bench.listed(), bench.warnings]).toEqual([["1/0"], ["1/0"], []]);
  });

  test("hears who wakes it while it comes to its end, at whatever moment", async () => {
    for (let turns = 0; turns < 12; turns++) {
      bench = new Bench();
      const { builder } = await bench.begin();
      let isAsked = false;
      bench.headRead = async () => {
        if (isAsked) return;
        isAsked = true;
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        bench.size = GROUP;
        builder.wake();
      };
      builder.wake();
      await new Promise(setImmediate);
      await builder.ended();
      expect([turns, bench.made]).toEqual([turns, ["1/0"]]);
    }
  });

  test("says why it stopped, once for each reason, and again when it went on in between", async () => {
    bench.size = GROUP;
    let reason: string | undefined = "the disk is full";
    bench.blocks = replaced<BlockStore>(bench.memory, {
      claim: () => (reason === undefined ? Promise.resolve(false) : Promise.reject(new Error(reason))),
    });
    const { builder } = await bench.begin();
    const said: number[] = [];
    for (reason of ["the disk is full", "the disk is full", "it is away", undefined, "it is away"]) {
      builder.wake();
      await builder.ended();
      said.push(bench.warnings.length);
    }
    expect(said).toEqual([1, 1, 2, 2, 3]);
    expect(bench.warnings[0]).toBe("building the search index of default has stopped: the disk is full");
    bench.blocks = bench.memory;
    bench.build = () => Promise.reject(new Error("no thread"));
    await run(bench);
    expect(bench.warnings.at(-1)).toBe("building the search index of default has stopped: no thread");
  });
});
