import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { MAX_READING_BODY_BYTES } from "../../src/graphql/request-plugin.js";
import { BodyBudget, JSON_BOUNDS, requireBounded } from "../../src/http/body.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";

const PADDING = " ".repeat(20_000);

/** The code that JSON is refused with, which is made too long to be let in unseen. */
function codeOf(json: string): unknown {
  try {
    requireBounded(Buffer.from(json + PADDING));
    return undefined;
  } catch (error) {
    return (error as { readonly code: unknown }).code;
  }
}

describe("the JSON of a request", () => {
  test.each([
    ["items", (count: number) => `[${"1,".repeat(count - 3)}1]`],
    ["members", (count: number) => `{${'"a":1,'.repeat(count - 3)}"a":1}`],
    ["empty lists, each of which counts as two", (count: number) => `[${"[],".repeat(count / 2 - 2)}[]]`],
  ])("may have so many values, here %s, and no more", (_, json) => {
    expect(codeOf(json(JSON_BOUNDS.values - 2))).toBeUndefined();
    expect(codeOf(json(JSON_BOUNDS.values))).toBeUndefined();
    expect(codeOf(json(JSON_BOUNDS.values + 2))).toBe("PAYLOAD_TOO_LARGE");
  });

  test("may nest so deep and no deeper, whether it ends or not", () => {
    expect(codeOf("[{".repeat(JSON_BOUNDS.depth / 2))).toBeUndefined();
    expect(codeOf(`${"[".repeat(JSON_BOUNDS.depth)}${"]".repeat(JSON_BOUNDS.depth)}[]`)).toBeUndefined();
    expect(codeOf("[".repeat(JSON_BOUNDS.depth + 1))).toBe("BAD_REQUEST");
    expect(codeOf("[".repeat(1_000_000))).toBe("BAD_REQUEST");
  });

  test("may have texts so long and no longer", () => {
    expect(codeOf(`"${"a".repeat(JSON_BOUNDS.textBytes)}"`)).toBeUndefined();
    expect(codeOf(`"${"a".repeat(JSON_BOUNDS.textBytes + 1)}"`)).toBe("PAYLOAD_TOO_LARGE");
    expect(codeOf(`"${"a".repeat(JSON_BOUNDS.textBytes + 1)}`)).toBe("PAYLOAD_TOO_LARGE");
  });

  test("is not counted inside texts, whatever they escape", () => {
    const inside = String.raw`,[{\"\\`.repeat(JSON_BOUNDS.values);
    expect(codeOf(`["${inside}"]`)).toBeUndefined();
    expect(codeOf(String.raw`["\\",${"1,".repeat(JSON_BOUNDS.values)}1]`)).toBe("PAYLOAD_TOO_LARGE");
  });
});

describe("the budget of bodies", () => {
  test("lets each sender have its share and all together no more than there is", () => {
    const budget = new BodyBudget(400, 50);
    const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map((sender) => budget.open(sender));
    a?.add(99);
    a?.add(1);
    expect(() => a?.add(1)).toThrow("at most 100 bytes of request bodies for one sender");
    for (const sender of [b, c]) sender?.add(100);
    d?.add(99);
    expect(() => e?.add(2)).toThrow("at most 400 bytes of request bodies at once");
    e?.add(1);
    expect(budget.held).toBe(400);
    a?.release();
    a?.release();
    expect(budget.held).toBe(300);
    e?.add(99);
    for (const sender of [b, c, d, e]) sender?.release();
    expect(budget.held).toBe(0);
  });

  test("has room for one body of the largest size, however small it is", () => {
    expect(() => {
      new BodyBudget(100, 80).open("a").add(80);
    }).not.toThrow();
  });
});

describe("a gateway", () => {
  const MAX_BODY_BYTES = 4 * 1_024 * 1_024;
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await testGateway(await openTestService(), {
      maxBodyBytes: MAX_BODY_BYTES,
      maxBodiesBytes: MAX_BODY_BYTES,
    });
  });
  afterAll(() => gateway.close());

  const post = async (body: string) => {
    const headers = { "content-type": "application/json", accept: "application/graphql-response+json" };
    const response = await fetch(`${gateway.url}/graphql`, { method: "POST", headers, body });
    const { errors = [] } = (await response.json()) as { readonly errors?: readonly { readonly extensions: object }[] };
    return { status: response.status, retryAfter: response.headers.get("retry-after"), code: errors[0]?.extensions };
  };

  test("takes a large body for what logs events alone, also where a fragment does", async () => {
    const reading = '{"query":"{ __typename }"}';
    const logging =
      '{"query":"mutation { ...F } fragment F on Mutation { log(event: { message: \\"m\\" }) { root { treeSize } } }"}';
    expect(await post(reading.padEnd(MAX_READING_BODY_BYTES))).toMatchObject({ status: 200 });
    expect(await post(reading.padEnd(MAX_READING_BODY_BYTES + 1))).toMatchObject({
      status: 413,
      code: { code: "PAYLOAD_TOO_LARGE" },
    });
    expect(await post(logging.padEnd(MAX_BODY_BYTES))).toMatchObject({ status: 200 });
  });

  test("says of variables that do not fit where, and not what they hold", async () => {
    const query = "mutation ($e: [AuditEventInput!]!) { logBulk(events: $e) { root { treeSize } } }";
    const secret = "hunter2".repeat(10_000);
    const { errors } = await gateway.text(query, { e: [{ message: secret }, { message: "m", acter: "a", actor: 5 }] });
    expect(errors?.map(({ message }) => message)).toEqual([
      'Variable "$e" got an invalid value at e[1].actor: String cannot represent a non string value: 5 ' +
        'Variable "$e" got an invalid value at e[1]: Field "acter" is not defined by type "AuditEventInput".',
    ]);
  });

  /** A connection that never sends the last byte of its body. */
  async function holding(bytes: number): Promise<Socket> {
    const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
    await once(socket, "connect");
    const head = `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${bytes + 1}\r\n\r\n`;
    socket.on("error", () => undefined).resume();
    await new Promise((sent) => socket.write(head + " ".repeat(bytes), sent));
    return socket;
  }

  test("refuses a body that it has no room for, for a while, and takes it once there is room", async () => {
    const body = '{"query":"{ __typename }"}'.padEnd(MAX_READING_BODY_BYTES);
    const most = MAX_BODY_BYTES - MAX_READING_BODY_BYTES / 2;
    let held = await holding(most);
    let refused = await post(body);
    // What was sent has come when the gateway has read it, unless another body was in its way: then it was refused itself.
    while (refused.status === 200) {
      if (held.bytesRead > 0) held = await holding(most);
      refused = await post(body);
    }
    expect(refused).toEqual({ status: 503, retryAfter: "1", code: { code: "UNAVAILABLE", retryAfterMs: 1_000 } });
    expect(await post('{"query":"{ __typename }"}')).toMatchObject({ status: 200 });
    held.destroy();
    let taken = await post(body);
    while (taken.status !== 200) taken = await post(body);
    expect(taken.status).toBe(200);
  }, 30_000);
});
