import { afterEach, describe, expect, test } from "@jest/globals";
import type { AuditService, Entry, Logged, LogRequest, SignedEvent } from "../../src/audit/service.js";
import { base64, digestBytes, utf8 } from "../../src/core/bytes.js";
import type { AuditEvent, CustomField } from "../../src/core/event.js";
import { parseSchema, type EventSchema } from "../../src/core/event-schema.js";
import { nobleEd25519, publicKeyText, signatureVerdict } from "../../src/core/signature.js";
import { VALID } from "../../src/core/verdict.js";
import { rejection } from "../engine/rejection.js";

/** Opens a service with an empty log that has a schema; `close` closes all behind it. */
export type OpenWithSchema = (
  schema: EventSchema,
) => Promise<{ readonly service: AuditService; readonly log: string; readonly close: () => Promise<void> }>;

export const FIELDS = [
  { id: "message", type: "string", required: true },
  { id: "actor", type: "string", size: 40 },
  { id: "old", type: "string" },
  { id: "amount", type: "integer" },
  { id: "is_paid", type: "boolean" },
  { id: "shipped_at", type: "datetime" },
  { id: "order_id", type: "string", size: 8, redact: true },
  { id: "blob", type: "string-unindexed" },
  { id: "note", type: "text" },
];

export function schemaOf(save_malformed = "reject", more: object = {}): EventSchema {
  const parsed = parseSchema({ save_malformed, fields: FIELDS, ...more }, "");
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return parsed.schema;
}

/** With every type, and what may be rewritten on the way: long integers, JSON in text, characters beyond ASCII. */
export const PAID = {
  ...{ message: "paid", actor: "dana", amount: 9_007_199_254_740_991, is_paid: true, order_id: "größe 7" },
  ...{ shipped_at: "2026-01-31T10:00:00.5+01:00", blob: '{"b": 1.0, "a": [2]}', note: "the quick brown <fox>" },
};
const OPEN = { message: "open", amount: -5, is_paid: false };

const problemsOf = async (attempt: Promise<unknown>) => (await rejection(attempt)).problems;

const seed = new Uint8Array(32).fill(9);
const publicKey = publicKeyText(nobleEd25519.publicKey(seed));

/** What every engine behind the port AuditService promises of a log with a schema of its own. */
export function customFieldsContract(open: OpenWithSchema): void {
  let opened: Awaited<ReturnType<OpenWithSchema>> | undefined;
  afterEach(() => opened?.close());
  const withSchema = async (schema = schemaOf()): Promise<AuditService> => (opened = await open(schema)).service;
  const request = (events: readonly SignedEvent[], more: Partial<LogRequest> = {}): LogRequest => ({
    ...{ log: opened?.log ?? "", events, sign: false, path: events.length === 1 ? "event" : "events", ...more },
  });
  const eventsOf = ({ entries }: Logged): readonly AuditEvent[] => entries.map(({ envelope }) => envelope.event);
  const found = async (service: AuditService, query: string, restriction = {}): Promise<readonly Entry[]> => {
    const log = opened?.log ?? "";
    const { entries, leafIndexes } = await service.search({ log, query, restriction }, { first: 50 });
    const outcomes = entries ?? (await service.entries(log, leafIndexes));
    return outcomes.flatMap((outcome) => (outcome.kind === "entry" ? [outcome.entry] : []));
  };

  test("its identity says the schema", async () => {
    const service = await withSchema();
    expect((await service.identity(opened?.log ?? "")).schema).toEqual(schemaOf());
  });

  test.each(["append", "appendLater"] as const)("%s logs one event and several, with their types", async (call) => {
    const service = await withSchema();
    const logged = async (...events: readonly object[]): Promise<Logged> => {
      const done = await service[call](request(events.map((event) => ({ event }))));
      return "logged" in done ? done.logged : done;
    };
    const first = await logged({ ...PAID, note: null });
    expect(eventsOf(first)).toEqual([Object.fromEntries(Object.entries(PAID).filter(([name]) => name !== "note"))]);
    const others = await logged(OPEN, PAID);
    expect(eventsOf(others)).toEqual([OPEN, PAID]);
    const { format } = await service.identity(opened?.log ?? "");
    for (const { hash, canonical } of [...first.entries, ...others.entries])
      expect(format.leafHash(utf8(canonical))).toEqual(digestBytes(hash));
    expect((await found(service, "")).map(({ hash }) => hash)).toEqual(
      [...first.entries, ...others.entries].map(({ hash }) => hash).reverse(),
    );
  });

  test("every bad path of every event is named at once, and nothing is logged", async () => {
    const service = await withSchema();
    const bad = { amount: 1.5, is_paid: "yes", shipped_at: "now", order_id: "too long for it", status: "ok" };
    const attempt = service.append(request([{ event: PAID }, { event: bad }, { event: { ...OPEN, more: { a: 1 } } }]));
    const told = (await problemsOf(attempt)).map(({ path, expected, got }) => `${path}: ${expected}: ${got}`);
    expect(told).toEqual([
      "events[1].message: text of 1 to 32766 characters: nothing",
      "events[1].amount: an integer of at most 2^53 - 1: 1.5",
      "events[1].is_paid: true or false: text",
      "events[1].shipped_at: an RFC 3339 time such as 2026-01-31T09:00:00Z: other text",
      "events[1].order_id: text of 0 to 8 characters: more",
      `events[1].status: one of ${FIELDS.map(({ id }) => id).join(", ")}: an unknown field`,
      `events[2].more: one of ${FIELDS.map(({ id }) => id).join(", ")}: an unknown field`,
    ]);
    expect((await service.root(opened?.log ?? "")).treeSize).toBe(0);
  });

  test("what is valid is logged beside what is skipped", async () => {
    const service = await withSchema();
    const events = [{ event: PAID }, { event: { message: "m", amount: 2 ** 53 } }, { event: OPEN }];
    const receipt = await service.append(request(events, { skipInvalid: true }));
    expect(eventsOf(receipt)).toEqual([PAID, OPEN]);
    expect(receipt.refused.map(({ index, problems }) => [index, problems.map(({ path }) => path)])).toEqual([
      [1, ["events[1].amount"]],
    ]);
  });

  test("the gateway's signature, and the author's, cover the custom fields", async () => {
    const service = await withSchema();
    const { format } = await service.identity(opened?.log ?? "");
    const signature = base64(nobleEd25519.sign(utf8(format.signedText(PAID)), seed));
    const events = [{ event: PAID, signature, publicKey }, { event: OPEN }];
    const { entries } = await service.append(request(events, { sign: true }));
    expect(entries.map(({ envelope }) => envelope.public_key === publicKey)).toEqual([true, false]);
    for (const { envelope } of entries) {
      expect(signatureVerdict(envelope, format)).toEqual(VALID);
      const event = { ...envelope.event, ["amount" as CustomField]: 6 };
      expect(signatureVerdict({ ...envelope, event }, format).kind).toBe("INVALID");
    }
    const other = service.append(request([{ event: { ...PAID, amount: 6 }, signature, publicKey }]));
    expect((await problemsOf(other)).map(({ path }) => path)).toEqual(["event.signature"]);
  });

  test("events are found by the custom fields, and searches restricted to their values", async () => {
    const service = await withSchema();
    await service.append(request([{ event: PAID }, { event: OPEN }]));
    const messages = async (query: string, restriction?: object) =>
      (await found(service, query, restriction)).map(({ envelope }) => envelope.event.message);
    expect(await messages("amount:9007199254740991 is_paid:true")).toEqual(["paid"]);
    expect(await messages('note:"quick brown"')).toEqual(["paid"]);
    expect(await messages("-amount=-5")).toEqual(["paid"]);
    expect(await messages("", { amount: ["-5"], is_paid: ["false", "true"] })).toEqual(["open"]);
    expect(await messages("", { is_paid: ["maybe"] })).toEqual([]);
    const unknown = service.search(
      { log: opened?.log ?? "", query: "", restriction: { ["more" as CustomField]: ["x"] } },
      {},
    );
    expect((await problemsOf(unknown)).map(({ path }) => path)).toEqual(["restriction.more"]);
  });

  describe("what does not fit", () => {
    const odd = { message: "odd", amount: { a: 1 }, order_id: "a secret that is long", more: [1], is_paid: null };
    const err = (secret: object) => [
      { error: "expected an integer of at most 2^53 - 1, got an object", field: "amount", value: '{"a":1}' },
      { error: "expected text of 0 to 8 characters, got more", field: "order_id", ...secret },
      { error: expect.stringMatching(/^expected one of .* got an unknown field$/), field: "more", value: "[1]" },
    ];

    test.each([
      ["all", { value: "a secret that is long" }],
      ["unredacted", {}],
    ])("is kept beside the event where the schema says %s", async (save, secret) => {
      const service = await withSchema(schemaOf(save));
      const { entries } = await service.append(request([{ event: odd }]));
      const later = await service.appendLater(request([{ event: PAID }, { event: odd }]));
      expect([...entries, ...later.logged.entries].map(({ envelope }) => [envelope.event, envelope.err])).toEqual([
        [{ message: "odd" }, err(secret)],
        [PAID, undefined],
        [{ message: "odd" }, err(secret)],
      ]);
      expect(JSON.stringify(await found(service, "odd")).includes("secret")).toBe(save === "all");
    });

    test("is refused where the author signed it, and an event without a message always", async () => {
      const service = await withSchema(schemaOf("all"));
      const { format } = await service.identity(opened?.log ?? "");
      const event = { message: "odd", amount: "7" };
      const signature = base64(nobleEd25519.sign(utf8(format.signedText(event)), seed));
      const attempt = service.append(request([{ event, signature, publicKey }, { event: { amount: 7 } }]));
      expect((await problemsOf(attempt)).map(({ path }) => path)).toEqual(["events[0].amount", "events[1].message"]);
    });
  });

  test("a schema that is not client_signable refuses the author's signature", async () => {
    const service = await withSchema(schemaOf("reject", { client_signable: false }));
    const { format } = await service.identity(opened?.log ?? "");
    const signature = base64(nobleEd25519.sign(utf8(format.signedText(PAID)), seed));
    const attempt = service.append(request([{ event: PAID, signature, publicKey }]));
    expect((await problemsOf(attempt)).map(({ path }) => path)).toEqual(["event.signature"]);
  });
}
