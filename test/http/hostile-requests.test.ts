import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { globalId } from "../../src/graphql/global-id.js";
import { LIMITS } from "../../src/graphql/limits.js";
import { MAX_BODY_BYTES } from "../../src/http/body.js";
import { JSON_BOUNDS } from "../../src/http/json-bounds.js";

/** How long one request may hold the event loop of a gateway on a machine that does nothing else. */
const MAX_HELD_MS = 200;
/** Of a machine that does other things the best of so many attempts counts. */
const ATTEMPTS = 3;
/** The longest answer to a request that is refused. */
const MAX_REFUSAL_BYTES = 200_000;

let gateway: ChildProcess;
let url = "";

beforeAll(async () => {
  gateway = fork(fileURLToPath(new URL("hostile-gateway.js", import.meta.url)));
  url = (await told<{ readonly url: string }>()).url;
}, 60_000);

afterAll(async () => {
  gateway.disconnect();
  await once(gateway, "exit");
});

async function told<T>(): Promise<T> {
  const [message] = (await once(gateway, "message")) as [T];
  return message;
}

async function asked<T>(what: "begin" | "end"): Promise<T> {
  const answer = told<T>();
  gateway.send(what);
  return answer;
}

interface Hold {
  /** Milliseconds of an idle machine. */
  readonly heldMs: number;
  readonly status: number;
  readonly answer: string;
}

const ONE_ANSWER = "application/graphql-response+json";
const EVENTS = "text/event-stream";

async function hold(body: string, accept: string): Promise<Hold> {
  const before = await asked<{ readonly slowness: number }>("begin");
  const headers = { "content-type": "application/json", accept };
  const response = await fetch(`${url}/graphql`, { method: "POST", headers, body });
  const answer = await response.text();
  const { heldMs, slowness } = await asked<{ readonly heldMs: number; readonly slowness: number }>("end");
  return { heldMs: heldMs / Math.max(before.slowness, slowness), status: response.status, answer };
}

/** Begins a document with a comment of its own, or the gateway would know it from the attempt before. */
function fresh(body: string, attempt: number): string {
  return body.replace('{"query":"', `{"query":"#${attempt}\\n`);
}

/** The characters that a document may have behind that comment. */
const DOCUMENT_CHARACTERS = LIMITS.characters - "#0\n".length;

/** The shortest hold of a few attempts; later ones are only made where the one before was too long. */
async function shortestHold(body: string, accept: string): Promise<Hold> {
  let best = await hold(fresh(body, 0), accept);
  for (let attempt = 1; attempt < ATTEMPTS && best.heldMs > MAX_HELD_MS; attempt++) {
    const next = await hold(fresh(body, attempt), accept);
    if (next.heldMs < best.heldMs) best = next;
  }
  return best;
}

async function expectHarmless(body: string, accept = ONE_ANSWER): Promise<string> {
  const { heldMs, status, answer } = await shortestHold(body, accept);
  expect(answer.includes("INTERNAL_SERVER_ERROR")).toBe(false);
  expect(status).toBeLessThan(500);
  if (status !== 200) expect(answer.length).toBeLessThan(MAX_REFUSAL_BYTES);
  expect(heldMs).toBeLessThan(MAX_HELD_MS);
  return answer;
}

const request = (query: string, variables: unknown = {}): string => JSON.stringify({ query, variables });
const times = (count: number, text: (i: number) => string, between = " "): string =>
  Array.from({ length: count }, (_, i) => text(i)).join(between);
const members = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 1]));
const LONG = "a".repeat(15_000_000);
const LONGEST = "a".repeat(JSON_BOUNDS.textBytes);
const LOG = "mutation ($e: AuditEventInput!) { log(event: $e) { entry { leafIndex } } }";
const BULK = "mutation ($e: [AuditEventInput!]!) { logBulk(events: $e) { entries { leafIndex } } }";
const rootIds = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => globalId({ type: "Root", log: "default", place: i + 1 }));
/** A text in each place that takes one, beside events, so that the body may be large. */
const beside = (arg: string, variable: string): string =>
  `mutation ($v: ${variable}, $e: AuditEventInput!) { log(event: $e) { entry { leafIndex } } downloadResults(${arg}) { url } }`;
const given = (query: string, v: unknown): string => request(query, { v, e: { message: "m" } });

/** What a security review stopped gateways with, at the sizes that did. */
const REVIEWED: readonly (readonly [string, () => string])[] = [
  ["10 MB of comments", () => request(`{__typename}${"#\n".repeat(5_000_000)}`)],
  ["800,000 variables that nothing uses", () => request("{root{hash}}", members(800_000))],
  ["400,000 variables that nothing uses", () => request("{__typename}", members(400_000))],
  ["a message of 1,000,000 members", () => request(LOG, { e: { message: members(1_000_000) } })],
  ["a message of 7,000,000 items", () => request(LOG, { e: { message: Array<number>(7_000_000).fill(1) } })],
  ["a query of 15 MB as a literal", () => request(`{search(query:"${LONG}"){totalCount}}`)],
  [
    "a query of 4 MB",
    () => request("query($q:String!){search(query:$q){totalCount}}", { q: LONG.slice(0, 4_000_000) }),
  ],
  [
    "an enum value of 15 MB",
    () => request("mutation($f:DownloadFormat!){downloadResults(format:$f){url}}", { f: LONG }),
  ],
  ["a hash of 15 MB", () => request("query($h:Digest){entry(hash:$h){leafIndex}}", { h: LONG })],
  ["a page size of 15 MB", () => request("query($h:Int){search(first:$h){totalCount}}", { h: LONG })],
  [
    "a restriction of 15 MB",
    () => request("query($a:[String!]){search(restriction:{actor:$a}){totalCount}}", { a: [LONG] }),
  ],
  ["a time of 15 MB", () => request("query($s:String){search(window:{start:$s}){totalCount}}", { s: LONG })],
  [
    "1,000 events of 300 keys that cannot be stored",
    () => {
      const message = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}\ud800`, 1]));
      return request(BULK, { e: Array.from({ length: 1_000 }, () => ({ message })) });
    },
  ],
  ["6,000 operations", () => request(times(6_000, (i) => `query Q${i}{root{hash}}`))],
  ["2,000 fragments", () => request(`{...F0} ${times(2_000, (i) => `fragment F${i} on Query{root{hash}}`)}`)],
  ["12,000 fields at the top", () => request(`{${"root{hash} ".repeat(12_000)}}`)],
  ["9,000 declared variables", () => request(`query(${times(9_000, (i) => `$v${i}:Int`)}){__typename}`)],
  ["1,000 past roots", () => request("query($i:[ID!]!){nodes(ids:$i){id}}", { i: rootIds(1_000) })],
  [
    "5,000 fragments in a chain",
    () => request(`{...F0} ${times(5_000, (i) => `fragment F${i} on Query{...F${i + 1}}`)}`),
  ],
  [
    "3,000 inline fragments inside each other",
    () => request(`{${"...{".repeat(3_000)}__typename${"}".repeat(3_000)}}`),
  ],
  [
    "3,000 fragments in a circle",
    () => request(times(3_000, (i) => `fragment F${i} on Query{...F${(i + 1) % 3_000}}`)),
  ],
  ["20,000 braces", () => request("{a".repeat(20_000))],
  [
    "6,000 lists inside each other as a type",
    () => request(`query($q:${"[".repeat(6_000)}Int${"]".repeat(6_000)}){__typename}`),
  ],
  [
    "1,000,000 lists inside each other",
    () => `{"query":"{__typename}","variables":${"[".repeat(1e6)}${"]".repeat(1e6)}}`,
  ],
];

/** The same kinds, as large as they are let in. */
const LARGEST: readonly (readonly [string, () => string])[] = [
  ["comments", () => request("{__typename}".padEnd(DOCUMENT_CHARACTERS, "#\n"))],
  ["variables that nothing uses", () => request(LOG, { e: { message: "m" }, ...members(JSON_BOUNDS.values - 6) })],
  ["a message of members", () => request(LOG, { e: { message: members(JSON_BOUNDS.values - 6) } })],
  ["unknown fields of an event", () => request(LOG, { e: members(JSON_BOUNDS.values - 5) })],
  [
    "unknown fields beside a large message",
    () => request(LOG, { e: { ...members(100), message: members(JSON_BOUNDS.values - 106) } }),
  ],
  ["bad events", () => request(BULK, { e: Array.from({ length: 1_000 }, () => members(98)) })],
  [
    "events of keys that cannot be stored",
    () => {
      const message = Object.fromEntries(Array.from({ length: 97 }, (_, i) => [`k${i}\ud800`, 1]));
      return request(BULK, { e: Array.from({ length: 1_000 }, () => ({ message })) });
    },
  ],
  ["good events", () => request(BULK, { e: Array.from({ length: 1_000 }, () => ({ message: members(97) })) })],
  ["long events", () => request(BULK, { e: Array.from({ length: 1_000 }, () => ({ message: "é".repeat(8_000) })) })],
  ["items", () => request(LOG, { e: { message: Array<number>(JSON_BOUNDS.values - 6).fill(1) } })],
  ["an enum value", () => given(beside('id: "r", format: $v', "DownloadFormat!"), LONGEST)],
  ["an id", () => given(beside("id: $v, format: CSV", "ID!"), LONGEST)],
  ["a query", () => request("query($q:String!){search(query:$q){totalCount}}", { q: LONG.slice(0, 1_000_000) })],
  ["a message that is one text", () => request(LOG, { e: { message: LONGEST } })],
  ["past roots", () => request("query($i:[ID!]!){nodes(ids:$i){id}}", { i: rootIds(100) })],
  ["selections of one name", () => request(`{root{${"hash ".repeat(LIMITS.selections - 1)}}}`)],
  [
    "fragments that each spread the next ones",
    () =>
      request(
        `{root{...F0}} ${times(90, (i) => `fragment F${i} on AuditRoot{hash ${times(8, (j) => `...F${i + j + 1}`)}}`)} ${times(8, (i) => `fragment F${i + 90} on AuditRoot{hash}`)}`,
      ),
  ],
];

describe("no request holds the event loop for longer than others can wait:", () => {
  test.each(REVIEWED)(
    "%s",
    async (_, body) => {
      await expectHarmless(body().slice(0, 2 * MAX_BODY_BYTES));
    },
    60_000,
  );

  test.each(REVIEWED)(
    "%s, for a stream",
    async (_, body) => {
      await expectHarmless(body().slice(0, 2 * MAX_BODY_BYTES), EVENTS);
    },
    60_000,
  );

  test.each(LARGEST)(
    "the most that is let in of %s",
    async (_, body) => {
      // What a bound refuses is no example of what is let in.
      expect(await expectHarmless(body())).not.toMatch(/PAYLOAD_TOO_LARGE|The document has/);
    },
    60_000,
  );

  const piece = fc.constantFrom(
    "#\n",
    ",",
    "hash ",
    "a:hash ",
    "@a ",
    "...F ",
    "...{hash} ",
    '"" ',
    "$a ",
    "[",
    "{a",
    "9",
    "é",
  );
  const document = fc
    .tuple(
      fc.constantFrom("{root{", "query(", "{entry(index:", "fragment F on AuditRoot{hash "),
      fc.array(piece, { minLength: 1, maxLength: 4 }),
    )
    .map(([head, pieces]) => {
      const unit = pieces.join("");
      return head + unit.repeat(Math.floor((DOCUMENT_CHARACTERS - head.length) / unit.length));
    });
  const value = fc.constantFrom("1", '"k"', "[]", "{}", '{"a":1}', "1e400", "0.1", '"\\ud800"', "null");
  const variables = fc.tuple(value, fc.boolean()).map(([item, isList]) => {
    const count = Math.floor(JSON_BOUNDS.values / (item.startsWith('{"') ? 3 : 2)) - 4;
    const inside = times(count, (i) => (isList ? item : `"k${i}":${item}`), ",");
    return `{"e":{"message":${isList ? `[${inside}]` : `{${inside}}`}}}`;
  });

  test("documents of any pieces, as long as they may be", async () => {
    await fc.assert(
      fc.asyncProperty(document, async (query) => {
        await expectHarmless(request(query));
      }),
      { numRuns: 12, endOnFailure: true },
    );
  }, 300_000);

  test("variables of any shape, with as many values as there may be", async () => {
    await fc.assert(
      fc.asyncProperty(variables, async (json) => {
        await expectHarmless(`{"query":${JSON.stringify(LOG)},"variables":${json}}`);
      }),
      { numRuns: 8, endOnFailure: true },
    );
  }, 300_000);
});
