import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { ExecutionResult, GraphQLFormattedError } from "graphql";
import { HOLDS } from "../../../src/cli/verify.js";
import { verified } from "../../cli/verifiers.js";
import { logMessages } from "../../engine/test-log.js";
import { testGateway, type TestGateway } from "../../graphql/gateway.js";
import { fetched, PLAIN } from "../../http/download-client.js";
import { TRANSPORTS } from "../../http/tail-clients.js";
import { FOLLOW } from "../../http/tail-test.js";
import { openBehind, type Behind } from "./circle.js";
import { anyFaults, type FaultPlan } from "./fault-plan.js";
import { faultyNetwork, type FaultyNetwork } from "./faulty-network.js";

const SEEDS = [1, 2, 3];
const WRITES = 60;
const AT_ONCE = 6;
const READS = 8;
const MEANWHILE = 20;
/** More than one page of a download. */
const FILLED = 220;

let behind: Behind;
let network: FaultyNetwork;
let gateway: TestGateway;
let plan: FaultPlan = () => "none";
beforeAll(async () => {
  behind = await openBehind();
  await logMessages(behind.engine, FILLED);
  network = await faultyNetwork(behind.door.url, (passing) => plan(passing));
  gateway = await testGateway(behind.front("default", { baseUrl: network.url, timeoutMs: 20_000 }));
});
afterAll(async () => {
  await gateway.close();
  await network.close();
  await behind.close();
});

interface Entry {
  readonly hash: string;
  readonly leafIndex: number;
  readonly event: { readonly message: string };
}

type Answer = ExecutionResult<Record<string, unknown>>;

const SHOWN = "hash leafIndex event { message }";

const WAYS = [
  `mutation ($event: AuditEventInput!) { log(event: $event) { entry { ${SHOWN} } } }`,
  `mutation ($events: [AuditEventInput!]!) { logBulk(events: $events) { entries { ${SHOWN} } } }`,
  `mutation ($events: [AuditEventInput!]!) { logBulkAsync(events: $events) { bulkRequest { entries { ${SHOWN} } } } }`,
];

interface Write {
  readonly messages: readonly string[];
  readonly answer: Answer;
}

/** Logs an event in one of the three ways, alone or with a second one. */
async function log(name: string, i: number): Promise<Write> {
  const at = i % WAYS.length;
  const messages = at === 0 ? [`${name}.first.`] : [`${name}.first.`, `${name}.second.`];
  const events = messages.map((message) => ({ message }));
  return { messages, answer: await gateway.text(WAYS[at] ?? "", at === 0 ? { event: events[0] } : { events }) };
}

/** What each of the three returns. */
interface Receipt {
  readonly entry?: Entry;
  readonly entries?: readonly Entry[];
  readonly bulkRequest?: Receipt;
}

/** Undefined for a request that failed. */
function entriesOf({ data }: Answer): readonly Entry[] | undefined {
  const [logged] = Object.values(data ?? {}) as (Receipt | null)[];
  const { entry, entries } = logged?.bulkRequest ?? logged ?? {};
  return entries ?? (entry && [entry]);
}

/** The texts of all that the engine behind the door holds, by leaf index. */
async function texts(): Promise<readonly unknown[]> {
  const outcomes = await behind.engine.entries("default", await indexes());
  return outcomes.map((outcome) => (outcome.kind === "entry" ? outcome.entry.envelope.event.message : undefined));
}

async function indexes(): Promise<readonly number[]> {
  return Array.from({ length: (await behind.engine.root("default")).treeSize }, (_, i) => i);
}

/** Our words, and nothing of what something between has said instead of the service. */
const CLEAR = expect.stringMatching(/^The (audit service|events are logged)[^<>\n]{1,300}\.$/) as unknown;

type Failure = Pick<GraphQLFormattedError, "message"> & {
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly path?: readonly unknown[] | undefined;
};

function expectClear(errors: readonly Failure[]): void {
  for (const { message, extensions } of errors) {
    expect([message, extensions?.["code"]]).toEqual([CLEAR, "UNAVAILABLE"]);
  }
  expect(new Set(errors.map(({ path }) => String(path))).size).toBe(errors.length);
}

const VALID = { status: "VALID" };
const PAGE = `root { treeSize hash } edges { node { leafIndex hash }
  verification { hash { status } membership { status } consistency { status } } }`;

interface Page {
  readonly resultId: string;
  readonly root: { readonly treeSize: number; readonly hash: string };
  readonly edges: readonly { readonly node: Entry; readonly verification: unknown }[];
}

/** Asks, and returns what there is of the answer; what there is not is an error. */
async function read<T>(query: string, variables: object = {}): Promise<T | undefined> {
  const { data, errors = [] } = await gateway.text(query, variables);
  expectClear(errors);
  const [value] = Object.values(data ?? {});
  expect(value ?? errors.length).not.toBe(0);
  return (value ?? undefined) as T | undefined;
}

async function expectPage({ root, edges }: Page, count: number): Promise<void> {
  expect(root).toEqual(expect.objectContaining({ hash: (await behind.engine.root("default", root.treeSize)).hash }));
  const there = await behind.engine.entries(
    "default",
    edges.map(({ node }) => node.leafIndex),
  );
  expect(there.map((outcome) => outcome.kind === "entry" && outcome.entry.hash)).toEqual(
    edges.map(({ node }) => node.hash),
  );
  expect(edges).toHaveLength(count);
  // What could not be asked for is null, with an error; no verdict is made up.
  for (const { verification } of edges)
    if (verification !== null) expect(verification).toEqual({ hash: VALID, membership: VALID, consistency: VALID });
}

async function expectFile(id: string, key: string): Promise<string> {
  const link = await read<{ readonly url: string }>(
    "mutation ($id: ID!) { downloadResults(id: $id, format: EVIDENCE) { url } }",
    { id },
  );
  if (link === undefined) return "no link";
  const file = await fetched(link.url, PLAIN).catch(() => undefined);
  if (file === undefined) return "cut";
  const body = file.body.toString();
  if (file.status !== 200) {
    expectClear((JSON.parse(body) as { readonly errors: readonly Failure[] }).errors);
    return "refused";
  }
  expect((await verified(body, { key })).code).toBe(HOLDS);
  return "whole";
}

/** What became of all downloads. */
const files = new Set<string>();

describe.each(SEEDS)("over a faulty network (seed %i)", (seed) => {
  beforeEach(() => {
    plan = anyFaults(seed);
  });

  test("what is acknowledged is stored, what fails is one error that says what may be, and nothing is repeated", async () => {
    const answers: Write[] = [];
    for (let i = 0; i < WRITES; i += AT_ONCE) {
      answers.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, j) => log(`${seed}-${i + j}`, i + j)))));
    }
    const stored = await texts();
    const isRepeated = (text: string): boolean =>
      network.writes.some(({ body, fault, isRetry }) => fault === "repeat" && !isRetry && body.includes(text));
    const kinds = new Set<string>();
    for (const { messages, answer } of answers) {
      const copies = messages.map((message) => stored.filter((text) => text === message).length);
      const [first = 0] = copies;
      expect([messages, copies]).toEqual([messages, messages.map(() => first)]);
      const entries = entriesOf(answer);
      const outcome = entries === undefined ? String(answer.errors?.[0]?.extensions["outcome"]) : "acknowledged";
      kinds.add(outcome);
      if (entries === undefined) {
        expectClear(answer.errors ?? []);
        expect([answer.errors?.length, outcome]).toEqual([1, expect.stringMatching(/^(NONE|UNKNOWN)$/)]);
        if (outcome === "NONE") expect([messages, first]).toEqual([messages, 0]);
      } else {
        expect([answer.errors, entries.map(({ event }) => event.message)]).toEqual([undefined, messages]);
        expect(entries.map(({ leafIndex }) => stored[leafIndex])).toEqual(messages);
      }
      // The service cannot know a first try again that something between has sent twice.
      if (!isRepeated(messages[0] ?? "")) expect([messages, first <= 1]).toEqual([messages, true]);
    }
    expect([...kinds].sort()).toEqual(["NONE", "UNKNOWN", "acknowledged"]);
    const sent = new Set(answers.flatMap(({ messages }) => messages));
    const own = stored.filter((text) => String(text).startsWith(`${seed}-`));
    expect(own.filter((text) => !sent.has(String(text)))).toEqual([]);
    const bodies = network.writes.map(({ body }) => body);
    const sentAgain = network.writes.filter(({ body, isSuccess }, at) => isSuccess && bodies.includes(body, at + 1));
    expect(sentAgain).toEqual([]);
  }, 120_000);

  test("what is read is what the engine has, with every proof, or an error that says that it could not be read", async () => {
    const { verifierKey } = await gateway.service.identity("default");
    for (let i = 0; i < READS; i++) {
      const found = await read<Page>(`{ search(query: "event", first: 10) { resultId ${PAGE} } }`);
      if (found === undefined) continue;
      await expectPage(found, 10);
      const { resultId: id } = found;
      const offset = i * 5;
      const next = await read<Page>(`query ($id: ID!) { results(id: $id, offset: ${offset}, first: 5) { ${PAGE} } }`, {
        id,
      });
      if (next !== undefined) await expectPage(next, 5);
      const treeSize = 2 + i;
      const root = await read(
        `{ root(treeSize: ${treeSize}) { hash consistencyProof(fromSize: ${treeSize - 1}) { toSize } verification { consistency { status } } } }`,
      );
      const { hash } = await behind.engine.root("default", treeSize);
      if (root !== undefined)
        expect(root).toEqual({ hash, consistencyProof: { toSize: treeSize }, verification: { consistency: VALID } });
      files.add(await expectFile(id, verifierKey));
    }
  }, 120_000);

  test("who follows the log, and again from where it was, misses nothing and sees nothing twice", async () => {
    const client = TRANSPORTS.SSE(`${gateway.url}/graphql`);
    const seen: number[] = [];
    const { length: before } = await indexes();
    let meanwhile: Promise<unknown> | undefined;
    while (seen.length < before + MEANWHILE) {
      for await (const { data, errors = [] } of client.iterate({ query: FOLLOW, variables: { from: seen.length } })) {
        expectClear(errors);
        if (data) seen.push(data.entryLogged.leafIndex);
        if (seen.length === before) meanwhile ??= logMessages(behind.engine, MEANWHILE);
        if (seen.length === before + MEANWHILE) break;
      }
    }
    client.dispose();
    await meanwhile;
    expect(seen).toEqual(await indexes());
  }, 120_000);
});

test("of the downloads some were whole, some were refused, and some ended before their end", () => {
  expect([...files]).toEqual(expect.arrayContaining(["whole", "refused", "cut"]));
});
