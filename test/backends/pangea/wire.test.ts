import { afterEach, describe, expect, test } from "@jest/globals";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PangeaWire, type WireOptions } from "../../../src/backends/pangea/wire.js";
import { expectProblems, rejection } from "../../engine/rejection.js";
import { envelopeOf, responding, scriptedServer, type Respond, type ScriptedServer } from "./scripted-server.js";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

interface Opened {
  readonly wire: PangeaWire;
  readonly server: ScriptedServer;
}

async function against(steps: readonly [Respond, ...Respond[]], options: Partial<WireOptions> = {}): Promise<Opened> {
  const server = await scriptedServer(...steps);
  const wire = new PangeaWire({ baseUrl: server.url, token: "pts_secret", pauseMs: 1, ...options });
  open.push(wire, server);
  return { wire, server };
}

const SUCCESS = responding(200, "Success", { hash: "h" });
const ACCEPTED = responding(
  202,
  "Accepted",
  { ttl_mins: 1, retry_counter: 0, location: "https://evil.example/x" },
  "prq_7",
);
const html =
  (httpStatus: number): Respond =>
  (response) =>
    response.writeHead(httpStatus, { "content-type": "text/html" }).end("<html>Bad gateway</html>");

describe("a call", () => {
  test("is a POST of JSON with the token, below the path of the base URL", async () => {
    const { server } = await against([SUCCESS]);
    const wire = new PangeaWire({ baseUrl: `${server.url}/pangea/audit/`, token: "pts_secret" });
    open.push(wire);
    const { result, requestId } = await wire.call("/v1/log", { event: { message: '{"b": 1, "a": 2}' } });
    expect([result, requestId]).toEqual([{ hash: "h" }, "prq_1"]);
    expect(server.seen[0]).toMatchObject({
      method: "POST",
      path: "/pangea/audit/v1/log",
      headers: { authorization: "Bearer pts_secret", "content-type": "application/json" },
      body: String.raw`{"event":{"message":"{\"b\": 1, \"a\": 2}"}}`,
    });
  });

  test("takes members that it does not know, on every level, and a result that is null", async () => {
    const unknown = { ...envelopeOf("Success", { hash: "h", later: { x: [null] } }, "prq_1"), seventh: 1 };
    const { wire } = await against([
      (response) => response.end(JSON.stringify(unknown)),
      responding(200, "Success", null),
    ]);
    expect((await wire.call("/v1/log", {})).result).toEqual({ hash: "h", later: { x: [null] } });
    expect((await wire.call("/v1/log", {})).result).toEqual({});
  });

  test("never parses text that looks like JSON inside of an answer", async () => {
    const message = '{"b": 1, "a": 1.0}';
    const { wire } = await against([responding(200, "Success", { event: { message, new: "123", old: "null" } })]);
    expect((await wire.call("/v1/log", {})).result).toEqual({ event: { message, new: "123", old: "null" } });
  });

  test("keeps its connections for the next ones", async () => {
    const ports: (number | undefined)[] = [];
    const { wire } = await against([
      (response, seen) => {
        ports.push(response.socket?.remotePort);
        SUCCESS(response, seen);
      },
    ]);
    for (let i = 0; i < 20; i++) await wire.call("/v1/log", {});
    expect(new Set(ports).size).toBeLessThanOrEqual(2);
  });
});

describe("a failing service", () => {
  test("is tried four times, and told of the tries that it may have stored", async () => {
    const failed = (id: string) => responding(503, "ServiceNotAvailable", null, id);
    const { wire, server } = await against([failed("prq_1"), failed("prq_2"), SUCCESS]);
    await wire.call("/v1/log", {}, { isWrite: true });
    expect(server.seen.map(({ headers }) => headers["x-pangea-retried-request-ids"])).toEqual([
      undefined,
      "prq_1",
      "prq_1,prq_2",
    ]);
    const gone = await against([responding(500, "InternalError", null)]);
    const error = await rejection(gone.wire.call("/v1/log", {}, { isWrite: true }));
    expect([error.code, error.outcome, gone.server.seen.length]).toEqual(["UNAVAILABLE", "UNKNOWN", 4]);
  });

  test("is not sent a write again that it cannot recognise: after a cut, and after a failure of something between", async () => {
    const between: Respond = (response) =>
      response.writeHead(503, { "content-type": "text/html", "x-request-id": "proxy-1" }).end("<html></html>");
    for (const respond of [(response) => response.destroy(), html(502), between] satisfies Respond[]) {
      const { wire, server } = await against([respond, SUCCESS]);
      const error = await rejection(wire.call("/v1/log", {}, { isWrite: true }));
      expect([error.code, error.outcome, server.seen.length]).toEqual(["UNAVAILABLE", "UNKNOWN", 1]);
    }
  });

  test.each([
    ["ValidationError", 400],
    ["TooManyRequests", 429],
    ["Unauthorized", 401],
  ])("that failed and then refuses with %s leaves the outcome open", async (status, httpStatus) => {
    const { wire } = await against([
      responding(503, "ServiceNotAvailable", null),
      responding(httpStatus, status, null),
    ]);
    const error = await rejection(wire.call("/v1/log", {}, { isWrite: true }));
    expect([error.code, error.outcome]).toEqual(["UNAVAILABLE", "UNKNOWN"]);
  });

  test("is tried once more after a cut before the answer", async () => {
    const { wire, server } = await against([(response) => response.destroy(), SUCCESS]);
    expect((await wire.call("/v1/search", {})).result).toEqual({ hash: "h" });
    expect(server.seen).toHaveLength(2);
  });

  test.each<[string, Respond]>([
    [
      "half a body",
      (response) => {
        response.writeHead(200, { "content-length": "1000" }).write('{"status":');
        setImmediate(() => response.destroy());
      },
    ],
    ["HTML", html(200)],
    ["JSON that is not the protocol's", (response) => response.end("[1]")],
  ])("that sends %s with a 2xx is not asked again, and the outcome is open", async (_, respond) => {
    const { wire, server } = await against([respond]);
    const error = await rejection(wire.call("/v1/log", {}, { isWrite: true }));
    expect([error.code, error.outcome]).toEqual(["UNAVAILABLE", "UNKNOWN"]);
    expect(server.seen).toHaveLength(1);
  });

  test("that sends HTML with a 502 is tried again, and with a 403 is not", async () => {
    const { wire, server } = await against([html(502), SUCCESS]);
    await wire.call("/v1/log", {});
    expect(server.seen).toHaveLength(2);
    const refused = await against([html(403)]);
    const error = await rejection(refused.wire.call("/v1/log", {}, { isWrite: true }));
    expect([error.code, error.outcome]).toEqual(["UNAVAILABLE", "NONE"]);
    expect(error.message).toContain("HTTP 403");
    expect(refused.server.seen).toHaveLength(1);
  });

  test("that nobody listens for has stored nothing", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const wire = new PangeaWire({ baseUrl: `http://127.0.0.1:${port}`, token: "t", pauseMs: 1 });
    open.push(wire);
    const error = await rejection(wire.call("/v1/log", {}, { isWrite: true }));
    expect([error.code, error.outcome]).toEqual(["UNAVAILABLE", "NONE"]);
  });

  test("that does not respond is left after the deadline", async () => {
    const { wire, server } = await against([() => undefined], { timeoutMs: 100 });
    const error = await rejection(wire.call("/v1/log", {}, { isWrite: true }));
    expect([error.code, error.outcome, server.seen.length]).toEqual(["UNAVAILABLE", "UNKNOWN", 1]);
    expect(error.message).toBe("The audit service did not respond within 0.1 s.");
  });

  test("that sends more than is read is cut off", async () => {
    const { wire, server } = await against([responding(200, "Success", { hash: "x".repeat(5_000) })], {
      maxAnswerBytes: 1_000,
    });
    const error = await rejection(wire.call("/v1/search", {}));
    expect([error.code, server.seen.length]).toEqual(["UNAVAILABLE", 1]);
    expect(error.message).toContain("larger than this gateway reads");
  });

  test("is left with the reason of the caller that gives up", async () => {
    const { wire } = await against([() => undefined]);
    const reason = new Error("enough");
    await expect(wire.call("/v1/search", {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("an accepted call", () => {
  test("is polled at the service itself until it is done, with the same token", async () => {
    const { wire, server } = await against([ACCEPTED, responding(404, "NotFound", null), ACCEPTED, SUCCESS]);
    expect((await wire.call("/v1/search", {})).result).toEqual({ hash: "h" });
    const polls = server.seen.slice(1);
    expect(polls.map(({ method, path }) => `${method} ${path}`)).toEqual(Array(3).fill("GET /request/prq_7"));
    expect(polls.every(({ headers }) => headers.authorization === "Bearer pts_secret")).toBe(true);
  });

  test("is polled through what is about the poll alone", async () => {
    const { wire, server } = await against([
      ACCEPTED,
      responding(429, "TooManyRequests", null),
      ...Array.from({ length: 9 }, () => responding(503, "ServiceNotAvailable", null)),
      SUCCESS,
    ]);
    expect((await wire.call("/v1/log", {}, { isWrite: true })).result).toEqual({ hash: "h" });
    expect(server.seen.filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  test("that is lost, or refused to a poll, leaves the outcome open; what was wrong with it is told", async () => {
    const poll = async (respond: Respond) =>
      rejection((await against([ACCEPTED, respond])).wire.call("/v2/log_async", {}, { isWrite: true }));
    for (const respond of [responding(404, "NotFound", null), responding(401, "Unauthorized", null)]) {
      const error = await poll(respond);
      expect([error.code, error.outcome]).toEqual(["UNAVAILABLE", "UNKNOWN"]);
    }
    expect((await poll(responding(400, "ValidationError", null))).code).toBe("BAD_USER_INPUT");
  });

  test("ends at the deadline, as one of unknown outcome", async () => {
    const { wire } = await against([ACCEPTED], { timeoutMs: 150 });
    const error = await rejection(wire.call("/v2/log_async", {}, { isWrite: true }));
    expect([error.code, error.outcome]).toEqual(["UNAVAILABLE", "UNKNOWN"]);
  });

  test("is looked up by its id, and is undefined while it is not done", async () => {
    const { wire } = await against([ACCEPTED, SUCCESS]);
    expect(await wire.accepted("prq_7")).toBeUndefined();
    expect(await wire.accepted("prq_7")).toMatchObject({ result: { hash: "h" } });
  });
});

describe("a refusal", () => {
  test("of a request names every path as our API does", async () => {
    const errors = [
      { code: "AboveMaxLength", detail: "40 characters", source: "/events/3/event/action" },
      { code: "BelowMinLength", detail: "empty", source: "/event/message" },
    ];
    const { wire, server } = await against([responding(400, "ValidationError", { errors })]);
    await expectProblems(wire.call("/v2/log", {}), { "events[3].action": "40 characters", "event.message": "empty" });
    expect(server.seen).toHaveLength(1);
  });

  test("of too many requests says when to come back, and is not tried again", async () => {
    const { wire, server } = await against([
      (response) =>
        response
          .writeHead(429, { "retry-after": "7", "content-type": "application/json" })
          .end(JSON.stringify(envelopeOf("TooManyRequests", null, "prq_1"))),
    ]);
    const error = await rejection(wire.call("/v1/log", {}, { isWrite: true }));
    expect([error.code, error.retryAfterMs, error.outcome]).toEqual(["UNAVAILABLE", 7_000, "NONE"]);
    expect(server.seen).toHaveLength(1);
  });

  test.each([
    ["Unauthorized", 401, "UNAVAILABLE"],
    ["NoCredit", 402, "UNAVAILABLE"],
    ["MissingConfigID", 400, "UNAVAILABLE"],
    ["TreeNotFound", 400, "NOT_FOUND"],
    ["BadOffset", 400, "BAD_USER_INPUT"],
    ["Strange", 400, "UNAVAILABLE"],
    ["ValidationError", 200, "BAD_USER_INPUT"],
  ] as const)("with %s and HTTP %d is %s", async (status, httpStatus, code) => {
    const { wire } = await against([responding(httpStatus, status, null)]);
    const error = await rejection(wire.call("/v1/root", {}));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain("pts_secret");
  });
});

test("a write to a URL without the endpoint is the operator's to mend, and stored nothing", async () => {
  const { wire } = await against([responding(404, "NotFound", null)]);
  const error = await rejection(wire.call("/v1/log", {}, { isWrite: true }));
  expect([error.code, error.outcome, error.message]).toEqual([
    ...["UNAVAILABLE", "NONE"],
    expect.stringContaining("must check URL, token and config id"),
  ]);
});
