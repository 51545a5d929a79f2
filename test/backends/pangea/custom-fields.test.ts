import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { PangeaLog } from "../../../src/backends/pangea/service.js";
import { withServedSchemas } from "../../../src/backends/pangea/served-schema.js";
import type { EventSchema } from "../../../src/core/event-schema.js";
import { customFieldsContract, FIELDS, PAID, schemaOf } from "../../audit/custom-fields-contract.js";
import { rejection } from "../../engine/rejection.js";
import { testGateway, type TestGateway } from "../../graphql/gateway.js";
import { text as fileText } from "../../http/download-client.js";
import { clientOf, stubArweave } from "../../http/pangea/sdk.js";
import { openBehind, type Behind } from "./circle.js";
import { responding, scriptedServer, type ScriptedServer } from "./scripted-server.js";

async function servedSchema(baseUrl: string, more: Partial<PangeaLog> = {}): Promise<EventSchema | undefined> {
  const log = { log: "default", configId: "default", isSchemaServed: true, ...more };
  const [known] = await withServedSchemas([log], { baseUrl, token: "token", pauseMs: 1 });
  return known?.schema;
}

describe.each(["declared", "said by the service"])("the backend, in front of a log whose schema is %s,", (how) => {
  customFieldsContract(async (schema) => {
    const behind = await openBehind(["default"], schema);
    const known = how === "declared" ? schema : await servedSchema(behind.door.url);
    const service = behind.front("default", known === undefined ? {} : { schema: known });
    const close = async (): Promise<void> => {
      await service.close();
      await behind.close();
    };
    return { service, log: "default", close };
  });
});

/** Where no service is: what is refused without being asked for. */
const NOBODY = "http://127.0.0.1:1";

const VALID = { status: "VALID" };
const VERIFIED = { hash: VALID, signature: VALID, membership: VALID, consistency: VALID };
const VERIFICATION =
  "verification { hash { status } signature { status } membership { status } consistency { status } }";
const EVENT = "event { message actor custom } malformed";

describe("GraphQL in front of a service, of a log with a schema,", () => {
  const { message, actor, ...custom } = PAID;
  let behind: Behind;
  let front: TestGateway;
  let restore: () => void;
  beforeAll(async () => {
    restore = stubArweave();
    behind = await openBehind(["default"], schemaOf("all"));
    front = await testGateway(behind.front("default", { schema: schemaOf("all") }));
  });
  afterAll(async () => {
    restore();
    await front.close();
    await behind.close();
  });
  const data = async (query: string, variables = {}): Promise<Record<string, unknown>> => {
    const { data: found, errors } = await front.text(query, variables);
    expect(errors).toBeUndefined();
    return found ?? {};
  };

  test("logs custom fields, signed, and each verdict of the receipt is VALID", async () => {
    const { log } = await data(
      `mutation ($event: AuditEventInput!) { log(event: $event, sign: true) { entry { ${EVENT} } ${VERIFICATION} } }`,
      { event: { message, actor, custom } },
    );
    expect(log).toEqual({
      entry: { event: { message, actor, custom }, malformed: null },
      verification: VERIFIED,
    });
  });

  test("logs several, now and later, and shows them by search and results, each verified", async () => {
    const events = [2, 3].map((amount) => ({ message: `bulk ${amount}`, custom: { amount, is_paid: false } }));
    const shown = events.map(({ message: text, custom: own }) => ({
      event: { message: text, actor: null, custom: own },
      malformed: null,
    }));
    const list = "($events: [AuditEventInput!]!)";
    const { logBulk } = await data(
      `mutation ${list} { logBulk(events: $events, sign: true) { entries { ${EVENT} } } }`,
      {
        events,
      },
    );
    expect(logBulk).toEqual({ entries: shown });
    const { logBulkAsync } = await data(
      `mutation ${list} { logBulkAsync(events: $events, sign: true) { bulkRequest { id entries { ${EVENT} } } } }`,
      { events },
    );
    const { id, ...later } = (logBulkAsync as { bulkRequest: { id: string } }).bulkRequest;
    expect(later).toEqual({ entries: shown });
    const asked = await data(`query ($id: ID!) { bulkRequest(id: $id) { entries { ${EVENT} } } }`, { id });
    expect(asked).toEqual({ bulkRequest: { entries: shown } });
    const edges = `edges { node { ${EVENT} } ${VERIFICATION} }`;
    const { search } = await data(`{ search(query: "is_paid=false", first: 3) { resultId totalCount ${edges} } }`);
    const page = search as { resultId: string; totalCount: number; edges: unknown[] };
    const newestFirst = [...shown, ...shown].reverse().map((node) => ({ node, verification: VERIFIED }));
    expect([page.totalCount, page.edges]).toEqual([4, newestFirst.slice(0, 3)]);
    const { results } = await data(`query ($id: ID!) { results(id: $id, offset: 3) { ${edges} } }`, {
      id: page.resultId,
    });
    expect(results).toEqual({ edges: newestFirst.slice(3) });
  });

  test("is read back by the Node SDK, which finds hash, signature and proofs to be right", async () => {
    const { result } = await clientOf(behind.door.url, "token", { config: "default" }).search(
      "amount:9007199254740991",
      {},
      { verifyConsistency: true },
    );
    // The SDK parses a message, old or new that looks like JSON; those of this event do not.
    expect(result.events.map(({ envelope }) => envelope?.event)).toEqual([PAID]);
    expect(result.events.map((event) => [event.signature_verification, event.membership_verification])).toEqual([
      ["pass", "pass"],
    ]);
  });

  test("names every bad path where the caller wrote it, before the service is asked", async () => {
    const rejecting = await testGateway(behind.front("default", { schema: schemaOf(), baseUrl: NOBODY }));
    const bad = { message: "m", target: "t", custom: { amount: "7", more: 1 } };
    const { extensions } = await rejecting.error(
      "mutation ($events: [AuditEventInput!]!) { logBulk(events: $events) { root { treeSize } } }",
      { events: [{ message: "fine" }, bad] },
    );
    await rejecting.close();
    expect((extensions?.["problems"] as { path: string }[]).map(({ path }) => path)).toEqual([
      "events[1].custom.amount",
      "events[1].custom.more",
      "events[1].target",
    ]);
  });

  test("shows what did not fit, and signs no such event, because the service would keep another than was signed", async () => {
    const log = (sign: boolean): string =>
      `mutation { log(event: { message: "odd", custom: { amount: "7" } }, sign: ${sign}) { entry { ${EVENT} } } }`;
    const error = "expected an integer of at most 2^53 - 1, got text";
    expect(await data(log(false))).toEqual({
      log: {
        entry: {
          event: { message: "odd", actor: null, custom: null },
          malformed: [{ error, field: "amount", value: "7" }],
        },
      },
    });
    const alone = await testGateway(behind.front("default", { schema: schemaOf("all"), baseUrl: NOBODY }));
    const refused = await alone.error(log(true));
    await alone.close();
    expect(refused.message).toBe(
      "event.custom.amount: expected a value that fits the log's schema, as the event is signed, got one of which it is expected an integer of at most 2^53 - 1, got text",
    );
  });

  test("refuses sign where the schema is not client_signable", async () => {
    const schema = schemaOf("reject", { client_signable: false });
    const unsigned = await testGateway(behind.front("default", { schema, baseUrl: NOBODY }));
    const { message: told } = await unsigned.error(
      'mutation { log(event: { message: "m" }, sign: true) { entry { hash } } }',
    );
    await unsigned.close();
    expect(told).toBe("sign: expected false: the log's schema is not client_signable, got true");
  });

  test("has a column of a CSV file for each field", async () => {
    const { search } = await data('{ search(query: "message=paid") { resultId } }');
    const { downloadResults } = await data("mutation ($id: ID!) { downloadResults(id: $id, format: CSV) { url } }", {
      id: (search as { resultId: string }).resultId,
    });
    const csv = await fileText(new URL((downloadResults as { url: string }).url, front.url).href);
    const [head = "", row = ""] = csv.split("\r\n");
    expect(head).toContain("custom.amount,custom.is_paid,custom.shipped_at,custom.order_id,custom.blob,custom.note");
    expect(row).toContain("9007199254740991,true,2026-01-31T10:00:00.5+01:00,größe 7");
  });

  test("shows and finds custom fields, and logs none, where it knows no schema", async () => {
    const plain = await testGateway(behind.front("default"));
    const { data: shown } = await plain.text(
      '{ search(query: "message=paid is_paid=true") { nodes { event { custom } } } }',
    );
    const refused = await plain.error(
      'mutation { log(event: { message: "m", custom: { amount: 1 } }) { entry { hash } } }',
    );
    await plain.close();
    expect(shown).toEqual({ search: { nodes: [{ event: { custom } }] } });
    expect(refused.message).toMatch(/^event\.custom\.amount: .* got an unknown field$/);
  });
});

describe("the schema that a service says", () => {
  let server: ScriptedServer | undefined;
  afterEach(() => server?.close());
  const answering = async (http: number, status: string, result: unknown): Promise<string> =>
    (server = await scriptedServer(responding(http, status, result))).url;

  test("is asked for with the log's configuration, and members that mean nothing here are left out", async () => {
    const fields = [...FIELDS, { id: "more", type: "string", fpe: true, name: "More" }];
    const url = await answering(200, "Success", { vendor_id: "x", json_path: "$.a", save_malformed: "all", fields });
    const schema = await servedSchema(url, { configId: "pci_one" });
    expect(schema).toMatchObject({ save_malformed: "all", client_signable: true });
    expect(schema?.fields.at(-1)).toEqual({ id: "more", type: "string", name: "More" });
    expect(server?.seen.map(({ path, body }) => [path, body])).toEqual([["/v1/schema", '{"config_id":"pci_one"}']]);
  });

  test("names every path that this gateway could not log by", async () => {
    const fields = [
      { id: "A", type: "number" },
      { id: "message", type: "string" },
    ];
    const url = await answering(200, "Success", { tamper_proofing: false, fields });
    const { code, problems } = await rejection(servedSchema(url));
    const at = "the audit service's schema of the log default";
    expect([code, problems.map(({ path }) => path)]).toEqual([
      "BAD_USER_INPUT",
      [`${at}.tamper_proofing`, `${at}.fields[0].id`, `${at}.fields[0].type`, `${at}.fields`],
    ]);
  });

  test("is missing for good where the service has none, and for now where it fails", async () => {
    const none = await rejection(servedSchema(await answering(404, "NotFound", null)));
    expect([none.code, none.passing]).toEqual(["BAD_USER_INPUT", undefined]);
    expect(none.message).toMatch(
      /name of a file with it in AUDITQL_LOG_SCHEMAS, got The audit service does not have it/,
    );
    await server?.close();
    const failing = await rejection(servedSchema(await answering(503, "ServiceNotAvailable", null)));
    expect([failing.code, failing.passing]).toEqual(["UNAVAILABLE", "the audit service's schema of the log default"]);
  });
});
