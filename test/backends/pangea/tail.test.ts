import { afterEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { AuditService } from "../../../src/audit/service.js";
import { pauseOf } from "../../../src/backends/pangea/tail.js";
import { expectCode } from "../../engine/rejection.js";
import { message, messages } from "../../engine/test-log.js";
import type { Failure } from "./fake-service.js";
import { openedPangea, type OpenedPangea } from "./opened.js";

let opened: OpenedPangea | undefined;
afterEach(() => opened?.close());

async function open(count: number): Promise<OpenedPangea> {
  opened = await openedPangea();
  const body = JSON.stringify({ events: messages(count) });
  opened.fake.respond({ method: "POST", path: "/v2/log", headers: {}, body });
  return opened;
}

/** The first messages of a tail. */
async function take(service: AuditService, count: number, fromLeafIndex = 0): Promise<readonly unknown[]> {
  const stop = new AbortController();
  const taken: unknown[] = [];
  for await (const outcome of await service.tail({ log: "default", fromLeafIndex }, { signal: stop.signal })) {
    taken.push(outcome.kind === "entry" ? outcome.entry.envelope.event.message : outcome.kind);
    if (taken.length === count) stop.abort();
  }
  return taken;
}

const texts = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `event ${i}`);

describe("a tail", () => {
  test("shows every entry once, old and new, in order", async () => {
    const { service, another } = await open(5);
    const writer = another();
    const more = async (): Promise<void> => {
      for (const text of ["six", "seven"]) {
        await writer.append({ log: "default", events: [message(text)], sign: false, path: "event" });
      }
    };
    const expected = [...texts(5), "six", "seven"];
    const [taken] = await Promise.all([take(service, 7), more()]);
    expect(taken).toEqual(expected);
    // What is before 4 was shown.
    expect(await take(service, 3, 4)).toEqual(expected.slice(4));
    await writer.close();
  });

  const away = { http: 503, status: "ServiceNotAvailable", result: {} };
  /** Three looks fail as a whole: one that is tried again has four tries. */
  const [ONCE, TRIED_AGAIN] = [3, 12];
  test.each<readonly [string, number, Failure]>([
    ["is away", TRIED_AGAIN, away],
    ["has an error of its own", TRIED_AGAIN, { http: 500, status: "InternalError", result: {} }],
    ["has too much to do", ONCE, { http: 429, status: "TooManyRequests", result: {} }],
    ["breaks off", TRIED_AGAIN, "cut"],
    ["is hidden by a proxy that speaks for it", ONCE, "html"],
  ])(
    "goes on where the service %s, from its first look on, and shows what came meanwhile once",
    async (_, times, failure) => {
      const { service, fake } = await open(2);
      let isAway = true;
      let failed = 0;
      fake.fail = (endpoint) => {
        if (endpoint !== "/v1/search" || !isAway) return undefined;
        isAway = ++failed < times;
        return failure;
      };
      const stop = new AbortController();
      const taken: unknown[] = [];
      for await (const outcome of await service.tail({ log: "default", fromLeafIndex: 0 }, { signal: stop.signal })) {
        taken.push(outcome.kind === "entry" ? outcome.entry.envelope.event.message : outcome.kind);
        if (taken.length === 2) {
          [isAway, failed] = [true, 0];
          fake.respond({ method: "POST", path: "/v1/log", headers: {}, body: '{"event":{"message":"meanwhile"}}' });
        }
        if (taken.length === 3) stop.abort();
      }
      expect(taken).toEqual([...texts(2), "meanwhile"]);
      expect(failed).toBe(times);
    },
  );

  test("searches again where the service has lost a result in the middle of its pages", async () => {
    const { another, fake } = await open(7);
    const service = another({ tailPageSize: 3 });
    let lost = 0;
    const errors = [{ code: "DoesNotExist", detail: "no such result", source: "/id" }];
    fake.fail = (endpoint) =>
      endpoint === "/v1/results" && lost++ === 0
        ? { http: 400, status: "ValidationError", result: { errors } }
        : undefined;
    expect(await take(service, 7)).toEqual(texts(7));
    await service.close();
    expect(lost).toBeGreaterThan(1);
  });

  test.each<readonly [string, Failure, "UNAVAILABLE" | "BAD_USER_INPUT" | "NOT_FOUND"]>([
    ["refuses the token", { http: 401, status: "Unauthorized", result: {} }, "UNAVAILABLE"],
    ["has no such configuration", { http: 400, status: "MissingConfigID", result: {} }, "UNAVAILABLE"],
    [
      "refuses the query",
      {
        http: 400,
        status: "ValidationError",
        result: { errors: [{ code: "BadFormat", detail: "no", source: "/query" }] },
      },
      "BAD_USER_INPUT",
    ],
    ["has no such endpoint", { http: 404, status: "NotFound", result: {} }, "NOT_FOUND"],
  ])("ends where the service %s, which does not pass by itself", async (_, failure, code) => {
    const { service, fake } = await open(2);
    fake.fail = () => failure;
    await expectCode(take(service, 1), code);
  });

  test("ends where the tree of the service is not the one that it was", async () => {
    const { service, fake, alarms } = await open(3);
    await service.root("default");
    fake.tamper = (path, result) =>
      path === "/v1/search"
        ? { ...result, root: { ...(result["root"] as object), root_hash: "0".repeat(64) } }
        : result;
    await expectCode(take(service, 3), "ROOT_CONFLICT");
    expect(alarms).toHaveLength(1);
  });
});

describe("the pause after looks that failed", () => {
  const settings = { pollMs: 2_000, retryAfterMs: 0 };

  test("is twice as long each time, up to a minute, and less by up to a quarter", () => {
    const pauses = [0, 1, 2, 3, 4, 5, 99].map((failures) => pauseOf(failures, settings, 1));
    expect(pauses).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, chance) => {
          const [pause, longest] = [pauseOf(failures, settings, chance), pauseOf(failures, settings, 1)];
          expect(pause).toBeGreaterThanOrEqual(0.75 * longest);
          expect(pause).toBeLessThanOrEqual(longest);
        },
      ),
    );
  });

  test("is as long as the service asks", () => {
    expect(pauseOf(1, { pollMs: 2_000, retryAfterMs: 90_000 }, 0)).toBe(90_000);
    expect(pauseOf(1, { pollMs: 2_000, retryAfterMs: 8_000 }, 1)).toBe(4_000);
  });
});
