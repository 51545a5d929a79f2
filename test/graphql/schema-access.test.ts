import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getIntrospectionQuery } from "graphql";
import { INTROSPECTION_POLICIES, type IntrospectionPolicy } from "../../src/audit/principal.js";
import { createKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "./gateway.js";

const ASKS: readonly string[] = [
  getIntrospectionQuery(),
  '{ __type(name: "AuditEntry") { name } }',
  "{ _service { sdl } }",
  "query { ...F } fragment F on Query { a: __schema { queryType { name } } }",
];

/** Sends a query and answers its status, the codes of its errors and what they say. */
async function ask({ url }: TestGateway, query: string, credential = "") {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(credential !== "" && { authorization: `Bearer ${credential}` }),
    },
    body: JSON.stringify({ query }),
  });
  const { errors = [] } = (await response.json()) as { errors?: { message: string; extensions: { code: string } }[] };
  return {
    status: response.status,
    codes: errors.map((e) => e.extensions.code),
    text: errors.map((e) => e.message).join(),
  };
}

const TOLD = { status: 200, codes: [], text: "" };
const REFUSED = {
  status: 403,
  codes: ["FORBIDDEN"],
  text: "This credential may not see the schema: use the published schema.graphql.",
};

describe("who is told the schema", () => {
  let folder: string;
  let reader: string;
  let admin: string;
  const gateways = new Map<string, TestGateway>();

  const open = async (name: string, keys?: string, introspection?: IntrospectionPolicy) => {
    const access = await openAccess({ host: "127.0.0.1", ...(keys !== undefined && { apiKeys: keys }) });
    gateways.set(name, await testGateway(await openTestService(), { access, ...(introspection && { introspection }) }));
  };
  const gateway = (name: string): TestGateway => {
    const found = gateways.get(name);
    if (found === undefined) throw new Error(`no gateway ${name}`);
    return found;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "auditql-schema-"));
    const keys = join(folder, "keys.json");
    ({ text: reader } = await createKey(keys, { name: "reader", scopes: ["audit:read"] }, new Date()));
    ({ text: admin } = await createKey(keys, { name: "admin", scopes: ["audit:admin"] }, new Date()));
    for (const policy of INTROSPECTION_POLICIES) {
      await open(`keys ${policy}`, keys, policy);
      await open(`open ${policy}`, undefined, policy);
    }
    await open("keys, not set", keys);
    await open("open, not set");
  });

  afterAll(async () => {
    for (const opened of gateways.values()) await opened.close();
    await rm(folder, { recursive: true });
  });

  test.each<[string, "reader" | "admin" | "nobody", boolean]>([
    ["open everyone", "nobody", true],
    ["open authenticated", "nobody", false],
    ["open admin", "nobody", false],
    ["open nobody", "nobody", false],
    ["open, not set", "nobody", true],
    ["keys everyone", "reader", true],
    ["keys authenticated", "reader", true],
    ["keys admin", "reader", false],
    ["keys admin", "admin", true],
    ["keys nobody", "admin", false],
    ["keys, not set", "reader", true],
  ])("on a gateway with %s, to %s: %s", async (name, who, isTold) => {
    const credential = { reader, admin, nobody: "" }[who];
    for (const query of ASKS) expect(await ask(gateway(name), query, credential)).toEqual(isTold ? TOLD : REFUSED);
    const { codes } = await ask(gateway(name), "{ __typename root { __typename } }", credential);
    expect(codes).toEqual([]);
  });

  test("who subscribes is told no more", async () => {
    const message = async (name: string) => {
      const response = await fetch(`${gateway(name).url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "text/event-stream" },
        body: JSON.stringify({ query: "subscription { entryLoged { hash } }" }),
      });
      return response.text();
    };
    expect(await message("open everyone")).toContain('Did you mean \\"entryLogged\\"?');
    expect(await message("open nobody")).not.toContain("entryLogged");
  });

  test.each([
    ["a field", "{ rooot { hash } }"],
    ["an argument", "{ root(treeSise: 1) { hash } }"],
    ["a type", "{ ... on Querry { __typename } }"],
    ["an enum value", "{ search(orderBy: { direction: AASC }) { resultId } }"],
    ["an input field", '{ search(restriction: { acter: ["a"] }) { resultId } }'],
  ])("nobody else is told what they may have meant: %s", async (_, query) => {
    const shown = await ask(gateway("open everyone"), query);
    const hidden = await ask(gateway("open nobody"), query);
    expect(shown.text).toMatch(/ Did you mean /);
    expect(hidden).toEqual({ ...shown, text: shown.text.replace(/ Did you mean .*$/, "") });
  });
});
