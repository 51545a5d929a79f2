import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { BulkEnd, BulkPlace, BulkQueue, ClaimedBulk, NewBulk, StoredBulk } from "../../src/audit/bulk-queue.js";
import { hashOf } from "./batches.js";

/** What an engine brings to the contract. */
export interface BulkQueueEngine {
  /** An empty queue. */
  open(): Promise<BulkQueue>;
  /** Another gateway's queue over the same data, or this one after a restart. */
  readonly openAgain: (() => Promise<BulkQueue>) | undefined;
  close(): Promise<void>;
  /** Sets columns of every row, as an attacker would who may write the store: `outcome = 'x'`. Undefined where there are none. */
  readonly overwrite: ((columns: string) => Promise<void>) | undefined;
}

function bulk(name: string, changes: Partial<NewBulk> = {}): NewBulk {
  const requestDigest = hashOf(name);
  return {
    log: "default",
    name,
    owner: "alice",
    requestDigest,
    body: `body of ${name} 🦆`,
    bytes: 10,
    acceptedAtMs: 1,
    seal: hashOf(`seal of ${name}`),
    ...changes,
  };
}

const place = (name: string, log = "default"): BulkPlace => ({ log, name });
const END: BulkEnd = { outcome: '{"kind":"done 🦆"}', expiresAtMs: 1_700_000_000_000 };
const namesOf = (claimed: readonly ClaimedBulk[]): readonly string[] => claimed.map(({ name }) => name);

export function bulkQueueContract(engineName: string, engine: BulkQueueEngine): void {
  describe(`BulkQueue contract: ${engineName}`, () => {
    let queue: BulkQueue;
    beforeEach(async () => {
      queue = await engine.open();
    });
    afterEach(async () => {
      await engine.close();
    });

    const claim = (nowMs: number, limit = 10, heldUntilMs = nowMs + 100) =>
      queue.claim({ logs: ["default", "second"], nowMs, heldUntilMs, limit });
    const enqueue = async (added: NewBulk): Promise<StoredBulk> => {
      const outcome = await queue.enqueue(added, 1_000_000);
      if (outcome.kind === "full") throw new Error(`no room for ${added.name}`);
      return outcome.stored;
    };
    const endOf = async (name: string) => (await queue.find(place(name), "alice"))?.end;

    test("gives what it was given to who claims it, to the letter", async () => {
      const accepted = await enqueue(bulk("a"));
      const { body, ...given } = bulk("a");
      expect(plain(accepted)).toEqual(plain({ ...given, end: undefined }));
      expect((await claim(1)).map(plain)).toEqual([plain({ ...given, body })]);
    });

    test("keeps a request of a version that made no seals as it is", async () => {
      expect((await enqueue(bulk("a", { seal: undefined }))).seal).toBeUndefined();
      expect((await queue.find(place("a"), "alice"))?.seal).toBeUndefined();
      expect((await claim(1)).map(({ seal }) => seal)).toEqual([undefined]);
    });

    test("gives the oldest first, as many as asked for", async () => {
      for (const [name, acceptedAtMs] of Object.entries({ c: 30, a: 10, d: 40, b: 20 })) {
        await enqueue(bulk(name, { acceptedAtMs }));
      }
      expect(namesOf(await claim(50, 3))).toEqual(["a", "b", "c"]);
      expect(namesOf(await claim(50, 3))).toEqual(["d"]);
      expect(await claim(50, 3)).toEqual([]);
    });

    test("gives nobody what is held, until it is held no more", async () => {
      await enqueue(bulk("a"));
      expect(namesOf(await claim(1_000, 1, 1_500))).toEqual(["a"]);
      expect(await claim(1_499)).toEqual([]);
      expect(namesOf(await claim(1_500))).toEqual(["a"]);
    });

    test("gives those of the logs that are asked for, and holds no other", async () => {
      for (const log of ["default", "second", "third"]) await enqueue(bulk("a", { log }));
      const logsOf = async (logs: readonly string[]) =>
        (await queue.claim({ logs, nowMs: 1, heldUntilMs: 100, limit: 10 })).map(({ log }) => log);
      expect(await logsOf([])).toEqual([]);
      expect([...(await logsOf(["default", "third", "fourth"]))].sort()).toEqual(["default", "third"]);
      expect(await logsOf(["default", "second"])).toEqual(["second"]);
    });

    test("gives each request to one of several who claim at once", async () => {
      const names = Array.from({ length: 12 }, (_, i) => `bulk ${i}`);
      for (const name of names) await enqueue(bulk(name));
      const claims = await Promise.all(Array.from({ length: 4 }, () => claim(1, 6)));
      const claimed = claims.flatMap(namesOf);
      expect(new Set(claimed).size).toBe(claimed.length);
      expect([...claimed, ...namesOf(await claim(1, 12))].sort()).toEqual([...names].sort());
    });

    test("gives no more what has ended, and keeps the first end", async () => {
      await enqueue(bulk("a"));
      await queue.finish(place("a"), END);
      await queue.finish(place("a"), { ...END, outcome: "another" });
      expect(await claim(1)).toEqual([]);
      expect(await endOf("a")).toEqual(END);
    });

    test("keeps the first of two requests of one place", async () => {
      await enqueue(bulk("a"));
      const second = await enqueue(bulk("a", { body: "other", requestDigest: hashOf("other") }));
      expect([...second.requestDigest]).toEqual([...hashOf("a")]);
      expect((await claim(1)).map(({ body }) => body)).toEqual(["body of a 🦆"]);
      await queue.finish(place("a"), END);
      expect((await enqueue(bulk("a"))).end).toEqual(END);
    });

    test("is one for all logs, which may use the same names", async () => {
      await enqueue(bulk("a"));
      await enqueue(bulk("a", { log: "second", acceptedAtMs: 2 }));
      expect((await claim(5)).map(({ log }) => log)).toEqual(["default", "second"]);
      await queue.finish(place("a", "second"), END);
      expect(await endOf("a")).toBeUndefined();
    });

    test("shows a request to its owner alone", async () => {
      await enqueue(bulk("a"));
      expect(await queue.find(place("a"), "alice")).toBeDefined();
      expect(await queue.find(place("a"), "bob")).toBeUndefined();
      expect(await queue.find(place("b"), "alice")).toBeUndefined();
      expect(await queue.find(place("a", "second"), "alice")).toBeUndefined();
    });

    test("forgets what has expired, and nothing that has not ended", async () => {
      for (const name of ["waits", "ended", "ended later"]) await enqueue(bulk(name));
      await queue.finish(place("ended"), { ...END, expiresAtMs: 100 });
      await queue.finish(place("ended later"), { ...END, expiresAtMs: 101 });
      await queue.removeExpired(100);
      expect(await queue.find(place("ended"), "alice")).toBeUndefined();
      expect(await endOf("ended later")).toBeDefined();
      expect(namesOf(await claim(100))).toEqual(["waits"]);
      await queue.finish(place("ended"), END);
      expect(await queue.find(place("ended"), "alice")).toBeUndefined();
    });

    test("lists all of a log's requests by name, of whatever owner, with what is kept of them", async () => {
      await enqueue(bulk("b", { owner: "bob 🦆", acceptedAtMs: 7, bytes: 70 }));
      await enqueue(bulk("c"));
      await enqueue(bulk("a"));
      await enqueue(bulk("a", { log: "second" }));
      await claim(10, 1);
      await queue.finish(place("c"), END);
      const first = await queue.listBehind(place(""), 2);
      const rest = await queue.listBehind(place("b"), 2);
      expect([...first, ...rest].map(plain)).toEqual(
        [
          { ...bulk("a"), end: undefined },
          { ...bulk("b", { owner: "bob 🦆", acceptedAtMs: 7, bytes: 70 }), end: undefined },
          { ...bulk("c", { body: "" }), end: END },
        ].map(plain),
      );
      expect(await queue.listBehind(place("c"), 2)).toEqual([]);
    });

    describe("of 100 bytes", () => {
      const kindOf = async (name: string, changes: Partial<NewBulk> = {}) =>
        (await queue.enqueue(bulk(name, changes), 100)).kind;

      test("takes what fits to the byte, and nothing of what does not", async () => {
        expect(await kindOf("a", { bytes: 60 })).toBe("queued");
        expect(await kindOf("b", { bytes: 41 })).toBe("full");
        expect(await queue.find(place("b"), "alice")).toBeUndefined();
        expect(await kindOf("c", { bytes: 40 })).toBe("queued");
        expect(await kindOf("d", { bytes: 1 })).toBe("full");
        expect([await queue.waitingBytes("default"), await queue.waitingBytes("second")]).toEqual([100, 0]);
        expect(namesOf(await claim(1))).toEqual(["a", "c"]);
      });

      test("answers a request that waits or has ended, full or not", async () => {
        await kindOf("ended");
        await queue.finish(place("ended"), END);
        expect(await kindOf("waits", { bytes: 100 })).toBe("queued");
        expect(await queue.enqueue(bulk("waits", { bytes: 100 }), 100)).toMatchObject({ stored: { end: undefined } });
        expect(await queue.enqueue(bulk("ended"), 100)).toMatchObject({ kind: "queued", stored: { end: END } });
      });

      test("is full while requests are being executed, and has room when they have ended", async () => {
        await kindOf("a", { bytes: 100 });
        await claim(1);
        expect(await kindOf("b")).toBe("full");
        await queue.finish(place("a"), END);
        expect(await queue.waitingBytes("default")).toBe(0);
        expect(await kindOf("b")).toBe("queued");
      });

      test("takes a larger request where nothing else of its log waits", async () => {
        await kindOf("a", { log: "second", bytes: 100 });
        expect(await kindOf("a", { bytes: 101 })).toBe("queued");
        expect(await kindOf("b", { bytes: 1 })).toBe("full");
      });
    });

    const { openAgain, overwrite } = engine;
    if (openAgain === undefined || overwrite === undefined) return;

    test.each(["outcome = 'logged'", "expires_at_ms = 100"])(
      "tells half of an end as an end, never as none, and forgets nothing for it: %s",
      async (half) => {
        await enqueue(bulk("a"));
        await overwrite(half);
        await queue.removeExpired(1_000);
        const [listed] = await queue.listBehind(place(""), 1);
        const told = half.startsWith("outcome")
          ? { outcome: "logged", expiresAtMs: Number.MAX_SAFE_INTEGER }
          : { outcome: "", expiresAtMs: 100 };
        expect({ found: await endOf("a"), listed: listed?.end }).toEqual({ found: told, listed: told });
      },
    );

    test("is found again with all it holds, claims and ends included", async () => {
      for (const name of ["held", "free", "ended"]) await enqueue(bulk(name));
      await queue.finish(place("ended"), END);
      expect(namesOf(await claim(1_000, 1, 5_000))).toEqual(["held"]);
      queue = await openAgain();
      expect(await endOf("ended")).toEqual(END);
      expect(namesOf(await claim(2_000))).toEqual(["free"]);
      expect(namesOf(await claim(5_000))).toEqual(expect.arrayContaining(["held"]));
    });
  });
}

/** Bytes as a plain list: one engine answers a Buffer, another a Uint8Array. */
function plain({ requestDigest, seal, ...bulk }: StoredBulk | ClaimedBulk): object {
  return { ...bulk, requestDigest: [...requestDigest], seal: seal && [...seal] };
}
