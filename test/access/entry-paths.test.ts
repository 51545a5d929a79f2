import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { CloseCode } from "graphql-ws";
import { setTimeout as passed } from "node:timers/promises";
import { globalId } from "../../src/graphql/global-id.js";
import { lines, text } from "../http/download-client.js";
import { TRANSPORTS, type Event } from "../http/tail-clients.js";
import { ALL, CREDENTIALS, NAMES, type Name } from "./credentials.js";
import { leafIndexes, openKeyedGateway, type Answer, type KeyedGateway } from "./keyed-gateway.js";

let keyed: KeyedGateway;
beforeAll(async () => {
  keyed = await openKeyedGateway();
});
afterAll(() => keyed.close());

/** What a path showed; `codes` of what it was refused for. */
type Shown = Pick<Answer, "data" | "codes">;
type Path = (name: Name) => Promise<Shown>;

const entryId = (leafIndex: number) => JSON.stringify(globalId({ type: "Entry", log: "default", place: leafIndex }));
const inEach = (field: (leafIndex: number) => string) => `{ ${ALL.map((at) => `e${at}: ${field(at)}`).join(" ")} }`;
const hashAt = (leafIndex: number) => JSON.stringify(keyed.logged.entries[leafIndex]?.hash);
const representations = ALL.map((at) => `{ __typename: "AuditEntry", id: ${entryId(at)} }`).join(", ");
const trails = ["alice", "bob"].map((id) => `{ __typename: "Auditable", id: "${id}" }`).join(", ");

const asking = (query: () => string): Path => {
  return (name) => keyed.ask(name, query());
};

/** Asks, then asks for what the first answer names: as the same credential, as a client would. */
const askingTwice = (first: string, second: (id: string) => string): Path => {
  return async (name) => {
    const answer = await keyed.ask(name, first);
    const [, id] = /"resultId":"([^"]+)"/.exec(JSON.stringify(answer)) ?? [];
    return id === undefined ? answer : keyed.ask(name, second(id));
  };
};

async function downloaded(name: Name): Promise<Shown> {
  const linked = await askingTwice(
    "{ search { resultId } }",
    (id) => `mutation { downloadResults(id: "${id}", format: NDJSON) { url } }`,
  )(name);
  const [, url] = /"url":"([^"]+)"/.exec(JSON.stringify(linked)) ?? [];
  return url === undefined ? linked : { data: lines(await text(url)), codes: [] };
}

/** The codes of the errors that a tail's client showed or threw; a connection that was refused is UNAUTHENTICATED. */
function codesOf(error: unknown): readonly string[] {
  const { response, code } = error as { readonly response?: { readonly status: number }; readonly code?: number };
  if (response?.status === 401 || code === CloseCode.Forbidden) return ["UNAUTHENTICATED"];
  return Array.from(JSON.stringify(error).matchAll(/"code":"([A-Z_]+)"/g), ([, name = ""]) => name);
}

/** What a tail shows: as much as it may, and what comes in the moment after that. */
const followed = (transport: keyof typeof TRANSPORTS): Path => {
  return async (name) => {
    const { sees } = CREDENTIALS[name];
    const client = TRANSPORTS[transport](`${keyed.url}/graphql`, keyed.headers(name));
    const stream = client.iterate({ query: "subscription { entryLogged(fromLeafIndex: 0) { leafIndex } }" });
    const shown: Event[] = [];
    const refused: string[] = [];
    const reading = (async () => {
      for await (const event of stream) shown.push(event);
    })().catch((error: unknown) => refused.push(...codesOf(error)));
    const wanted = typeof sees === "string" ? 1 : sees.length;
    for (let ms = 0; shown.length + refused.length < wanted && ms < 5_000; ms += 10) await passed(10);
    await passed(100);
    client.dispose();
    await reading;
    const codes = shown.flatMap(({ errors = [] }) => codesOf(errors));
    return { data: shown.map(({ data }) => data), codes: [...codes, ...refused] };
  };
};

/** Every way to an entry; the leaf indexes in an answer are what it shows. */
const PATHS: Readonly<Record<string, Path>> = {
  "search's nodes": asking(() => "{ search { nodes { leafIndex } } }"),
  "search's edges": asking(() => "{ search { edges { node { leafIndex } } } }"),
  "search for another's": asking(
    () => '{ search(query: "actor:alice OR -tenant_id:acme OR tenant_id:acme") { nodes { leafIndex } } }',
  ),
  "search with a restriction": asking(
    () => '{ search(restriction: { actor: ["alice", "bob"] }) { nodes { leafIndex } } }',
  ),
  results: askingTwice("{ search { resultId } }", (id) => `{ results(id: "${id}") { nodes { leafIndex } } }`),
  "entry by leaf index": asking(() => inEach((at) => `entry(leafIndex: ${at}) { leafIndex }`)),
  "entry by hash": asking(() => inEach((at) => `entry(hash: ${hashAt(at)}) { leafIndex }`)),
  node: asking(() => inEach((at) => `node(id: ${entryId(at)}) { ... on AuditEntry { leafIndex } }`)),
  nodes: asking(() => `{ nodes(ids: [${ALL.map(entryId).join(", ")}]) { ... on AuditEntry { leafIndex } } }`),
  "_entities of entries": asking(
    () => `{ _entities(representations: [${representations}]) { ... on AuditEntry { leafIndex } } }`,
  ),
  auditTrail: asking(
    () =>
      `{ _entities(representations: [${trails}]) { ... on Auditable { auditTrail(field: ACTOR) { nodes { leafIndex } } } } }`,
  ),
  "proofs of what is shown": asking(
    () =>
      `{ nodes(ids: [${ALL.map(entryId).join(", ")}]) { ... on AuditEntry { membershipProof { leafIndex } verification { membership { status } } } } }`,
  ),
  downloads: downloaded,
  "entryLogged over SSE": followed("SSE"),
  "entryLogged over a WebSocket": followed("WebSocket"),
};

const TRIED = NAMES.filter((name) => name !== "good for a millisecond more");

describe.each(Object.entries(PATHS))("%s over HTTP", (_name, path) => {
  test.each(TRIED)("shows a credential with %s what it may see and nothing else", async (name) => {
    const { sees } = CREDENTIALS[name];
    const { data, codes } = await path(name);
    const shown = leafIndexes(data ?? null);
    if (typeof sees === "string") expect({ shown, codes: [...new Set(codes)] }).toEqual({ shown: [], codes: [sees] });
    else expect({ shown, codes }).toEqual({ shown: sees, codes: [] });
  });
});
