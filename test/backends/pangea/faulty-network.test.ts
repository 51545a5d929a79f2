import { describe, expect, test } from "@jest/globals";
import type { ExecutionResult } from "graphql";
import type { AuditService } from "../../../src/audit/service.js";
import { testGateway, type TestGateway } from "../../graphql/gateway.js";
import { openBehind } from "./circle.js";
import { FAULTS, faultyNetwork, type Fault } from "./faulty-network.js";

const REQUESTS = 60;
const AT_ONCE = 6;

/** The same faults for the same seed: mulberry32. */
function faults(seed: number): () => Fault {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    const fraction = ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    return FAULTS[Math.floor(fraction * FAULTS.length)] ?? "none";
  };
}

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

/** Logs an event in one of the three ways, alone or with a second one. */
async function log(gateway: TestGateway, i: number): Promise<readonly [message: string, answer: Answer]> {
  const message = `event-${i}-`;
  const events = [{ message }, { message: `${message}second` }];
  const at = i % WAYS.length;
  return [message, await gateway.text(WAYS[at] ?? "", at === 0 ? { event: events[0] } : { events })];
}

/** What each of the three returns. */
interface Receipt {
  readonly entry?: Entry;
  readonly entries?: readonly Entry[];
  readonly bulkRequest?: Receipt;
}

/** Empty for a request that failed. */
function entriesOf({ data }: Answer): readonly Entry[] {
  const [logged] = Object.values(data ?? {}) as (Receipt | null)[];
  const { entry, entries } = logged?.bulkRequest ?? logged ?? {};
  return entries ?? (entry === undefined ? [] : [entry]);
}

/** The texts of all that a log holds, by leaf index. */
async function textsOf(engine: AuditService): Promise<readonly unknown[]> {
  const { treeSize } = await engine.root("default");
  const outcomes = await engine.entries(
    "default",
    Array.from({ length: treeSize }, (_, i) => i),
  );
  return outcomes.map((outcome) => (outcome.kind === "entry" ? outcome.entry.envelope.event.message : undefined));
}

describe.each([1, 2, 3, 4])("over a faulty network (seed %i)", (seed) => {
  test("what is acknowledged is stored, what fails is one error that says what may be, and nothing is repeated", async () => {
    const behind = await openBehind();
    const network = await faultyNetwork(behind.door.url, faults(seed));
    const gateway = await testGateway(behind.front("default", { baseUrl: network.url, timeoutMs: 20_000 }));
    const answers: (readonly [string, Answer])[] = [];
    for (let i = 0; i < REQUESTS; i += AT_ONCE) {
      answers.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, j) => log(gateway, i + j)))));
    }
    const texts = await textsOf(behind.engine);
    await gateway.close();
    await network.close();
    await behind.close();

    const isRepeated = (text: string): boolean =>
      network.writes.some(({ body, fault }) => fault === "repeat" && body.includes(text));
    const kinds = new Set<string>();
    for (const [text, answer] of answers) {
      const entries = entriesOf(answer);
      const copies = texts.filter((one) => one === text).length;
      for (const { leafIndex, event } of entries) expect(texts[leafIndex]).toBe(event.message);
      if (entries.length > 0) {
        expect([answer.errors, copies >= 1]).toEqual([undefined, true]);
        kinds.add("acknowledged");
      } else {
        expect(answer.errors?.map(({ extensions }) => extensions)).toEqual([
          expect.objectContaining({
            code: "UNAVAILABLE",
            outcome: expect.stringMatching(/^(NONE|UNKNOWN)$/) as unknown,
          }),
        ]);
        const outcome = String(answer.errors?.[0]?.extensions["outcome"]);
        kinds.add(outcome);
        if (outcome === "NONE") expect([text, copies]).toEqual([text, 0]);
      }
      if (!isRepeated(text)) expect([text, copies <= 1]).toEqual([text, true]);
    }
    expect([...kinds].sort()).toEqual(["NONE", "UNKNOWN", "acknowledged"]);
    const bodies = network.writes.map(({ body }) => body);
    const sentAgain = network.writes.filter(({ body, isSuccess }, at) => isSuccess && bodies.includes(body, at + 1));
    expect(sentAgain).toEqual([]);
  }, 120_000);
});
