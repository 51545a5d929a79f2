import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import { canonicalJson, type JsonObject } from "../../../src/core/json.js";
import { testGateway, type TestGateway } from "../../graphql/gateway.js";
import { openBehind, type Behind } from "./circle.js";
import { scriptedServer, type ScriptedServer } from "./scripted-server.js";

const format = logFormat("pangea");

interface Item {
  readonly envelope: JsonObject & { readonly event: JsonObject };
  readonly hash: string;
  readonly membership_proof: string;
}

type Result = Record<string, unknown>;

let behind: Behind;
/** Between the gateway and the service: changes what the service says. */
let between: ScriptedServer;
let tamper: (endpoint: string, result: Result) => Result;
let alarms: string[];
let front: TestGateway;

beforeAll(async () => {
  behind = await openBehind();
  const events = ["zero", "one", "two", "three"].map((message) => ({ event: { message } }));
  const service = behind.front("default");
  await service.append({ log: "default", events, sign: true, path: "events" });
  await service.close();
  between = await scriptedServer((response, { path, headers, body, method }) => {
    const sent = { method, headers: { "content-type": headers["content-type"] ?? "application/json" }, body };
    void fetch(`${behind.door.url}${path}`, sent).then(async (answer) => {
      const envelope = (await answer.json()) as { readonly result: Result };
      const result = tamper(path, envelope.result);
      response.writeHead(answer.status, { "content-type": "application/json" });
      response.end(JSON.stringify({ ...envelope, result }));
    });
  });
});
afterAll(async () => {
  await between.close();
  await behind.close();
});

beforeEach(async () => {
  tamper = (_, result) => result;
  alarms = [];
  const alarm = (sentence: string): void => void alarms.push(sentence);
  front = await testGateway(behind.front("default", { baseUrl: between.url, alarm }));
});
afterEach(() => front.close());

const VALID = { status: "VALID" };
const VERDICTS = "hash { status } signature { status } membership { status } consistency { status }";
const PAGE = `{ search(query: "", orderBy: { direction: ASC }) { edges { node { leafIndex event { message } } verification { ${VERDICTS} } } } }`;

/** Changes the second event of a page. */
function changed(change: (item: Item) => object): typeof tamper {
  return (endpoint, result) => {
    const { events } = result;
    if (endpoint !== "/v1/search" || !Array.isArray(events)) return result;
    const items = events as readonly Item[];
    return { ...result, events: items.map((item, i) => (i === 1 ? { ...item, ...change(item) } : item)) };
  };
}

const forged = ({ envelope }: Item): JsonObject => ({
  ...envelope,
  event: { ...envelope.event, message: "forged" },
});

async function page() {
  const { data, errors = [] } = await front.text(PAGE);
  const { edges } = data?.["search"] as {
    readonly edges: readonly {
      readonly node: { readonly event: { readonly message: string } } | null;
      readonly verification: object | null;
    }[];
  };
  return { edges, errors };
}

describe("an entry that was changed on its way", () => {
  test("is not shown where its hash is another, and the others are", async () => {
    tamper = changed((item) => ({ envelope: forged(item) }));
    const { edges, errors } = await page();
    expect(edges.map(({ node }) => node?.event.message)).toEqual(["zero", undefined, "two", "three"]);
    expect(errors.map(({ path, extensions }) => [path, extensions["code"]])).toEqual([
      [["search", "edges", 1, "node"], "ENTRY_CORRUPT"],
      [["search", "edges", 1, "verification"], "ENTRY_CORRUPT"],
    ]);
  });

  test("and hashed again is shown with the verdicts that neither its author nor its tree stand for it", async () => {
    tamper = changed((item) => {
      const envelope = forged(item);
      return { envelope, hash: digestOf(format.leafHash(utf8(canonicalJson(envelope)))) };
    });
    const { edges } = await page();
    const [zero, one] = edges;
    expect(zero?.verification).toEqual({ hash: VALID, signature: VALID, membership: VALID, consistency: VALID });
    expect(one?.node?.event.message).toBe("forged");
    expect(one?.verification).toMatchObject({
      ...{ hash: VALID, signature: { status: "INVALID" }, membership: { status: "INVALID" }, consistency: VALID },
    });
  });

  test("in its proof alone is not a member", async () => {
    tamper = changed(({ membership_proof: text }) => ({ membership_proof: text.replace(/[0-9a-f]/g, "0") }));
    const { edges } = await page();
    expect(edges[1]?.verification).toMatchObject({ hash: VALID, signature: VALID, membership: { status: "INVALID" } });
  });
});

describe("a log that was changed on its way", () => {
  test("does not grow as its roots' proofs say", async () => {
    tamper = (endpoint, result) => {
      const { data } = result as { readonly data?: Result };
      if (endpoint !== "/v1/root" || data?.["size"] !== 3) return result;
      const lines = (data["consistency_proof"] as readonly string[]).map((line) =>
        line.replace(/[0-9a-f]{8}/g, "00000000"),
      );
      return { data: { ...data, consistency_proof: lines } };
    };
    const { edges } = await page();
    expect(edges.map(({ verification }) => verification)).toMatchObject([
      { consistency: VALID },
      { consistency: VALID },
      { membership: VALID, consistency: { status: "INVALID" } },
      { consistency: VALID },
    ]);
  });

  test("is ROOT_CONFLICT, and the alarm, where it has another root than before", async () => {
    await front.text("{ root { hash } }");
    tamper = (endpoint, result) =>
      endpoint === "/v1/root" ? { data: { ...(result["data"] as Result), root_hash: "0".repeat(64) } } : result;
    expect((await front.error("{ root { hash } }")).extensions?.["code"]).toBe("ROOT_CONFLICT");
    expect(alarms).toHaveLength(1);
  });

  test("does not acknowledge an event whose receipt is of another one", async () => {
    tamper = (endpoint, result) =>
      endpoint === "/v1/log" ? { ...result, envelope: forged(result as unknown as Item) } : result;
    const { extensions } = await front.error('mutation { log(event: { message: "m" }) { entry { hash } } }');
    expect(extensions).toMatchObject({ code: "ENTRY_CORRUPT", outcome: "UNKNOWN" });
    expect(alarms).toHaveLength(1);
  });
});
