import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { AuditService, ResultPage } from "../../../src/audit/service.js";
import { parseSchema, type EventSchema } from "../../../src/core/event-schema.js";
import { fieldText } from "../../../src/core/event.js";
import { openMemory } from "../../../src/stores/memory/open.js";
import { PythonCompleteness } from "../../core/python-completeness.js";
import { HAS_PYTHON } from "../../core/python-expression.js";
import { describeWith } from "../../service.js";
import { completenessDocument, completenessVerdict } from "../../vectors/completeness-document.js";
import { checked, expectComplete, expectCounted, gatewayOver, LOG, type TestGateway } from "./completeness-contract.js";
import { BUILD_MS, GROUP, untilStored } from "./segment-indexes.js";

function schemaOf(fields: readonly object[]): EventSchema {
  const parsed = parseSchema({ fields: [{ id: "message", type: "string", required: true }, ...fields] }, "");
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return parsed.schema;
}

const openWith = (schema: EventSchema): Promise<TestGateway> =>
  gatewayOver(openMemory(), undefined, { logs: [{ log: LOG, format: "pangea", schema }] });

async function logAll(service: AuditService, events: readonly object[]): Promise<void> {
  for (let done = 0; done < events.length; done += 1_000) {
    const some = events.slice(done, done + 1_000).map((event) => ({ event }));
    await service.append({ log: LOG, events: some, sign: false, path: "events" });
  }
}

type Value = string | number | boolean;
const VALUES: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  boolean: fc.boolean(),
  integer: fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -3, max: 3 })),
  datetime: fc.constantFrom("2026-01-31T09:00:00Z", "2026-01-31T10:00:00.5+01:00", "1999-12-31t23:59:59z"),
  string: fc.string({ unit: "grapheme", maxLength: 300 }).filter((text) => !/\0|\p{Cs}/u.test(text)),
  "string-unindexed": fc.constantFrom('{"a":1}', "%7B x", "plain"),
  text: fc.lorem({ maxCount: 8 }),
};

/** A field of some type, and a value for it in each event, or none. */
const field = fc
  .record({ id: fc.stringMatching(/^f[a-z0-9_]{0,31}$/), type: fc.constantFrom(...Object.keys(VALUES)) })
  .chain(({ id, type }) =>
    fc
      .array(fc.option(VALUES[type] ?? fc.constant("x"), { nil: undefined }), { minLength: 12, maxLength: 12 })
      .map((values) => ({ id, type, values })),
  );

test(
  "any event by any schema is found by each of its fields, and the answer is proven",
  async () => {
    const fields = fc.uniqueArray(field, { selector: ({ id }) => id, minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fields, async (own) => {
        const gateway = await openWith(
          schemaOf(own.map(({ id, type }) => ({ id, type, ...(type === "string" && { size: 2_000 }) }))),
        );
        const { service } = gateway;
        const events = Array.from({ length: 12 }, (_, at) => ({
          message: `event ${at}`,
          ...Object.fromEntries(own.flatMap(({ id, values }) => (values[at] === undefined ? [] : [[id, values[at]]]))),
        }));
        await logAll(service, events);
        const outcomes = await service.entries(
          LOG,
          events.map((_, at) => at),
        );
        expect(outcomes.map((one) => (one.kind === "entry" ? one.entry.envelope.event : one.kind))).toEqual(events);
        for (const { id, values } of own) {
          const leavesOf = (is: (value: Value | undefined) => boolean) =>
            [...values.keys()].filter((at) => is(values[at])).reverse();
          const search = (query: string): Promise<ResultPage> => service.search({ log: LOG, query }, { first: 50 });
          const present = await search(`${id}:*`);
          expect(present.leafIndexes).toEqual(leavesOf((value) => value !== undefined));
          await expectComplete(service, present);
          for (const value of new Set(values)) {
            if (value === undefined) continue;
            const text = fieldText(value);
            const page = await search(`${id}="${text.replace(/["\\]/g, "\\$&")}"`);
            expect(page.leafIndexes).toEqual(leavesOf((other) => other !== undefined && fieldText(other) === text));
            await expectComplete(service, page);
            await expectCounted(service, page);
          }
        }
        await gateway.close();
      }),
      { seed: 12, numRuns: 12 },
    );
  },
  BUILD_MS,
);

const SIZE = GROUP + 2 * 256 + 21;
const FIELDS = [
  { id: "amount", type: "integer" },
  { id: "is_paid", type: "boolean" },
  { id: "note", type: "text" },
];
const eventAt = (leaf: number) => ({
  message: `order ${leaf}`,
  ...(leaf % 3 === 0 && { amount: leaf % 100 }),
  is_paid: leaf % 7 === 0,
  ...(leaf % 50 === 0 && { note: `paid late by customer ${leaf % 11}` }),
});
const leavesWhere = (is: (leaf: number) => boolean): readonly number[] => [...Array(SIZE).keys()].filter(is).reverse();

const QUESTIONS = [
  ["amount=42", (leaf: number) => leaf % 3 === 0 && leaf % 100 === 42],
  ["amount:99 is_paid:true", (leaf: number) => leaf % 3 === 0 && leaf % 100 === 99 && leaf % 7 === 0],
  ['note:"customer 3"', (leaf: number) => leaf % 50 === 0 && leaf % 11 === 3],
  ["note:cust* -is_paid:false", (leaf: number) => leaf % 50 === 0 && leaf % 7 === 0],
  ["customer late", (leaf: number) => leaf % 50 === 0],
  ["true", (leaf: number) => leaf % 7 === 0],
] as const;

describe("a log with a schema, in stored segments, in memory and behind them", () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await openWith(schemaOf(FIELDS));
    await logAll(
      gateway.service,
      Array.from({ length: SIZE }, (_, leaf) => eventAt(leaf)),
    );
    await untilStored(gateway.index, GROUP);
  }, BUILD_MS);
  afterAll(() => gateway.close());

  test.each(QUESTIONS)("finds and proves %s", async (query, is) => {
    const page = await gateway.service.search({ log: LOG, query }, { first: 100 });
    const leaves = leavesWhere(is);
    expect(page.leafIndexes).toEqual(leaves.slice(0, 100));
    expect(await page.result.totalCount()).toBe(leaves.length);
    await expectComplete(gateway.service, page);
    await expectCounted(gateway.service, page);
  });

  describeWith("python3", HAS_PYTHON, () => {
    test("the verifier in Python proves the same answers, and refuses others", async () => {
      const python = new PythonCompleteness();
      for (const [query] of QUESTIONS) {
        const page = await gateway.service.search({ log: LOG, query }, { first: 100 });
        const { question, proof, roots } = await checked(gateway.service, page);
        const answer = { kind: "page", leaves: page.leafIndexes } as const;
        const right = completenessDocument(roots, question, { answer, proof });
        const less = { ...right, answer: { ...answer, leaves: answer.leaves.slice(1) } };
        const others = [
          { ...right, question: right.question.replace('"amount"', '"amounts"').replace('"note"', '"notes"') },
          { ...right, format: "rfc6962" } as const,
        ];
        const documents = [right, less, ...others];
        const verdicts = documents.map(completenessVerdict);
        expect(await python.verdicts(documents)).toEqual(verdicts);
        expect(verdicts.slice(0, 2)).toEqual(["VALID", expect.stringMatching(/^INVALID /)]);
        expect(verdicts[3]).toMatch(/^INVALID /);
        if (others[0]?.question !== right.question) expect(verdicts[2]).toMatch(/^INVALID /);
      }
      await python.close();
    });
  });
});
