import { afterEach, describe, expect, test } from "@jest/globals";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";

const APP = "https://app.example.com";
const OTHER = "https://evil.example";

let gateway: TestGateway | undefined;

afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
});

async function open(corsOrigins: readonly string[]): Promise<TestGateway> {
  // Nobody gets in, but every answer has its headers.
  const access = corsOrigins.includes("*") ? { access: { kind: "required" as const } } : {};
  gateway = await testGateway(await openTestService(), { corsOrigins, ...access });
  return gateway;
}

/** What a browser looks at to decide whether a page may send, and read. */
async function send({ url }: TestGateway, method: string, headers: Record<string, string>) {
  const body = method === "POST" ? { body: '{"query":"{__typename}"}' } : {};
  const response = await fetch(`${url}/graphql`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...body,
  });
  const name = (header: string) => response.headers.get(`access-control-${header}`);
  return {
    status: response.status,
    origin: name("allow-origin"),
    credentials: name("allow-credentials"),
    allowed: name("allow-headers"),
    vary: response.headers.get("vary")?.toLowerCase(),
    exposed: name("expose-headers"),
  };
}

const preflight = (origin: string) => ({
  ...{ origin, "access-control-request-method": "POST" },
  "access-control-request-headers": "authorization, content-type",
});

describe("pages of other sites", () => {
  test("may not read answers, nor ask leave to, unless a list says so", async () => {
    const { url } = await open([]);
    const answer = await fetch(`${url}/graphql`, { method: "OPTIONS", headers: preflight(APP) });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([405, null]);
  });

  test("that are listed may send a credential and read the answer", async () => {
    const opened = await open([APP]);
    expect(await send(opened, "OPTIONS", preflight(APP))).toEqual({
      ...{ status: 204, origin: APP, credentials: "true", vary: "origin" },
      allowed: expect.stringMatching(/authorization, content-type.*traceparent.*x-request-id/) as unknown,
      exposed: "content-disposition, retry-after, www-authenticate, x-request-id",
    });
    expect(await send(opened, "POST", { origin: APP })).toMatchObject({ status: 200, origin: APP, vary: "origin" });
  });

  test("ask for leave by naming a method: any other OPTIONS is none of theirs", async () => {
    const opened = await open([APP]);
    expect(await send(opened, "OPTIONS", { origin: APP })).toMatchObject({ status: 405, allowed: null });
  });

  test("that are not listed may not", async () => {
    const opened = await open([APP]);
    expect(await send(opened, "OPTIONS", preflight(OTHER))).toMatchObject({ origin: null, credentials: null });
    expect(await send(opened, "POST", { origin: OTHER })).toMatchObject({ origin: null, credentials: null });
  });

  test.each([OTHER, "*", "null"])(
    "of every site may, where the list says so, but %s brings no cookies",
    async (origin) => {
      const opened = await open(["*"]);
      expect(await send(opened, "OPTIONS", preflight(origin))).toMatchObject({ origin: "*", credentials: null });
      expect(await send(opened, "POST", { origin })).toMatchObject({ status: 401, origin: "*", credentials: null });
    },
  );

  test("of every site may never read a log that asks nobody for a credential", async () => {
    const service = await openTestService();
    await expect(testGateway(service, { corsOrigins: ["*"] })).rejects.toThrow(/without authentication/);
    await service.close();
  });
});
