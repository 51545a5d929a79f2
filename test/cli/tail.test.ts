import { describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { setImmediate as otherTurn } from "node:timers/promises";
import { replaced } from "../../src/audit/calls.js";
import { tailLog, type TailFlags, type TailParts } from "../../src/cli/tail.js";
import type { EntryOutcome } from "../../src/audit/service.js";
import { MemoryLogStore } from "../../src/stores/memory/log-store.js";
import { fill, logMessages, message, openTestService } from "../engine/test-log.js";
import { MAIN } from "../gateway.js";
import { cuttingProxy } from "../http/tail-clients.js";
import { revocableKey } from "../http/revoked-keys.js";
import { tailTest } from "../http/tail-test.js";
import { recordedOutput } from "./recorded-output.js";

const tails = tailTest();

/** A tail in this process, with what it printed and a promise of so many lines. */
function tailed(url: string, flags: Partial<TailFlags> = {}, parts: Partial<TailParts> = {}) {
  const recorded = recordedOutput();
  const stop = new AbortController();
  let woken = (): void => undefined;
  const write = async (written: string | Uint8Array) => {
    await recorded.output.write(written);
    woken();
  };
  const note = (said: string): void => {
    recorded.output.note(said);
    woken();
  };
  const output = { ...recorded.output, write, note };
  const code = tailLog({ url, json: true, ...flags }, { token: undefined, output, stop: stop.signal, ...parts });
  const lines = () => recorded.written().split("\n").slice(0, -1);
  return {
    code,
    lines,
    notes: recorded.notes,
    async note(pattern: RegExp) {
      while (!pattern.test(recorded.notes())) await new Promise<void>((resolve) => (woken = resolve));
    },
    indexes: () => lines().map((line) => (JSON.parse(line) as { leafIndex: number }).leafIndex),
    async until(count: number) {
      while (lines().length < count) await new Promise<void>((resolve) => (woken = resolve));
    },
    stop() {
      stop.abort();
      return code;
    },
  };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe("auditql tail", () => {
  test("prints what is logged from now on, or from an index, and ends with 0 when it is stopped", async () => {
    await fill(tails.service, 3);
    const { url } = await tails.opened();
    const all = tailed(`${url}/graphql`, { from: 1 });
    await all.until(2);
    const { service } = tails;
    // What is logged between the first question and the stream is from now on, too.
    const tail: typeof service.tail = async (...asked) => {
      await service.append({
        log: "default",
        events: [message("hidden"), message("seen")],
        sign: false,
        path: "events",
      });
      return service.tail(...asked);
    };
    const other = await tails.opened({}, replaced(service, { tail }));
    const fresh = tailed(`${other.url}/graphql`, { query: "message:seen" });
    await Promise.all([all.until(4), fresh.until(1)]);
    expect(all.indexes()).toEqual([1, 2, 3, 4]);
    expect(fresh.lines().map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { leafIndex: 4, event: { message: "seen" } },
    ]);
    expect([await all.stop(), await fresh.stop(), all.notes()]).toEqual([0, 0, ""]);
  });

  test("goes on without gap or repeat, wherever its connections are cut", async () => {
    const store = new MemoryLogStore();
    const services = await Promise.all([0, 1].map(() => openTestService({ store, sharedStore: true })));
    const gateways = await Promise.all(services.map((each) => tails.opened({}, each)));
    // Within a head, a comment, an event; the connection of the first question has to last.
    const cuts = [100_000, 150, 3_000, 700, 20_000, 9_999];
    const proxy = await cuttingProxy(gateways, () => cuts.shift() ?? 100_000_000);
    tails.after(() => {
      proxy.close();
    });
    const tail = tailed(proxy.url, { from: 0 });
    for (const service of services)
      for (let logged = 0; logged < 250; logged += 10) {
        await logMessages(service, 10);
        await otherTurn();
      }
    await tail.until(500);
    expect(await tail.stop()).toBe(0);
    expect(tail.indexes()).toEqual(range(0, 500));
    expect(proxy.count()).toBeGreaterThan(4);
    expect(tail.notes()).toMatch(/^trying again in 0\.5 s: the stream broke off: /m);
  }, 60_000);

  test("waits for a gateway that stops, and for one that says nothing, and prints each entry once", async () => {
    await fill(tails.service, 2);
    const first = await tails.opened();
    const { port } = new URL(first.url);
    const tail = tailed(`${first.url}/graphql`, { from: 0 }, { silentMs: 300 });
    await tail.until(2);
    await first.close(0);
    // In its place first stands one that takes the connection, and is silent.
    const silent = createServer(() => undefined).listen(Number(port), "127.0.0.1");
    await once(silent, "request");
    await fill(tails.service, 1);
    await tail.note(/ was silent for 0\.3 s/);
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
    await tails.opened({ port: Number(port) });
    await tail.until(3);
    expect([await tail.stop(), tail.indexes()]).toEqual([0, [0, 1, 2]]);
    expect(tail.notes()).toMatch(/^trying again in 0\.5 s: http:\S+ ended the stream\n/);
  }, 60_000);

  test("shows a corrupt entry by its index and goes on; nothing of an entry rewrites a terminal", async () => {
    const { service } = tails;
    const events = [message("a"), message("b"), message("evil \u001b[2J\u009b\u202e\n\u2028text")];
    await service.append({ log: "default", events, sign: false, path: "events" });
    const tail: typeof service.tail = async (...asked) => damaged(await service.tail(...asked));
    const gateway = await tails.opened({}, replaced(service, { tail }));
    const flags = { from: 0 };
    const [table, lines] = [{ ...flags, json: false }, flags].map((each) => tailed(`${gateway.url}/graphql`, each));
    await Promise.all([table?.until(4), lines?.until(3)]);
    expect(table?.lines()).toEqual([
      expect.stringMatching(/^leafIndex {2}receivedAt /),
      expect.stringMatching(/^0 .* a$/),
      expect.stringMatching(/^1 .* ENTRY_CORRUPT$/),
      expect.stringMatching(/^2 .* evil \ufffd\[2J\ufffd\ufffd\ufffd\ufffdtext$/),
    ]);
    expect(lines?.lines().map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { leafIndex: 0 },
      { leafIndex: 1, error: "ENTRY_CORRUPT" },
      { leafIndex: 2, event: events[2]?.event },
    ]);
    expect(lines?.lines().join("")).not.toMatch(/[\p{C}\p{Zl}]/u);
    await Promise.all([table?.stop(), lines?.stop()]);
  });

  test("exits 2 at once where it cannot follow, and says why in one sentence", async () => {
    const { url } = await tails.opened();
    for (const [flags, reason] of [
      [{ query: "(open" }, "query"],
      [{ log: "nope" }, 'There is no log "nope"'],
      [{ from: 7 }, "fromLeafIndex"],
      [{ url: "http://127.0.0.1:1/graphql" }, "cannot be reached"],
      [{ url: `${url}/nothing` }, "is no GraphQL API"],
    ] as const) {
      const tail = tailed(`${url}/graphql`, flags);
      expect([await tail.code, tail.lines()]).toEqual([2, []]);
      expect(tail.notes()).toMatch(/^cannot follow the log: [^\n]*$/);
      expect(tail.notes()).toContain(reason);
    }
  });

  test("exits 2 when its credential is revoked, and says where to go on", async () => {
    await fill(tails.service, 1);
    const { access, authorization, revoke } = await revocableKey(await tails.folder());
    const { url } = await tails.opened({ access, streamLimits: { recheckMs: 20 } });
    const tail = tailed(`${url}/graphql`, { from: 0 }, { token: authorization.slice("Bearer ".length) });
    await tail.until(1);
    await revoke();
    expect([await tail.code, tail.notes()]).toEqual([2, expect.stringMatching(/; go on with --from 1$/)]);
  }, 60_000);
});

describe("as a program", () => {
  test("ends with 0 by SIGINT, and when nobody reads its output", async () => {
    await fill(tails.service, 3);
    const { url } = await tails.opened();
    const start = () => {
      const child = spawn(process.execPath, [MAIN, "tail", "--url", `${url}/graphql`, "--from", "0"]);
      const ended = Promise.all([once(child, "close"), text(child.stderr)]);
      return { child, ended: async () => ended.then(([[status], notes]) => [status as unknown, notes]) };
    };
    const [stopped, unread] = [start(), start()];
    await Promise.all([once(stopped.child.stdout, "data"), once(unread.child.stdout, "data")]);
    stopped.child.kill("SIGINT");
    stopped.child.stdout.resume();
    expect(await stopped.ended()).toEqual([0, ""]);
    unread.child.stdout.destroy();
    // The first write may be taken by the pipe before it is known to be closed.
    const logging = setInterval(() => void fill(tails.service, 1), 100);
    expect(await unread.ended()).toEqual([0, ""]);
    clearInterval(logging);
  }, 60_000);
});

/** The second entry does not match its hash. */
async function* damaged(outcomes: AsyncIterable<EntryOutcome>): AsyncGenerator<EntryOutcome> {
  for await (const outcome of outcomes)
    yield outcome.kind === "entry" && outcome.entry.leafIndex === 1 ? { kind: "corrupt", leafIndex: 1 } : outcome;
}
