import fc from "fast-check";
import type { Json } from "../../../src/core/json.js";

/** Pieces that meet the edges of the rules when they are joined. */
const piece = fc.oneof(
  fc.constantFrom("2026-03-01", "T", "t", "Z", "z", "12:30", ":05", ".", "123456789", "0", "%2F", "%25", "%C3%A9", "%"),
  fc.constantFrom("\\", "\\n", "\\u0026", '"', "\n", "\u0000", "\u007f", "é", "東", "ไ", "\u00ad", "\u{10ec2}", "İ"),
  fc.constantFrom("alice", "_", " ", "-", "@", "a".repeat(127), "x".repeat(130), "я".repeat(130), "{", "[", ","),
  fc.string({ unit: "binary", maxLength: 4 }).filter((text) => !/\p{Surrogate}/u.test(text)),
);

/** More in a row than normalization is let to put in order: among them some that decompose, and some that nothing passes. */
const marks = fc
  .array(
    fc.constantFrom(
      "\u0301",
      "\u0316",
      "\u0334",
      "\u0345",
      "\u0344",
      "\u0f73",
      "\u0903",
      "\u20dd",
      "\uff9e",
      "\u{1d165}",
      "\u{1e8d0}",
    ),
    { minLength: 30, maxLength: 80 },
  )
  .map((all) => all.join(""));

export const hostileText = fc
  .array(fc.oneof({ weight: 20, arbitrary: piece }, { weight: 1, arbitrary: marks }), { maxLength: 8 })
  .map((pieces) => pieces.join(""));

const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    hostileText,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(true, false, null),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(hostileText, tie("value"), { maxKeys: 3 }),
  ),
})).value;

const event = fc.record(
  {
    message: fc.oneof(hostileText, json),
    actor: hostileText,
    action: hostileText,
    new: json,
    old: fc.oneof(hostileText, json),
    source: hostileText,
    status: hostileText,
    target: hostileText,
    timestamp: fc.oneof(hostileText, fc.integer()),
    tenant_id: hostileText,
    unknown: hostileText,
  },
  { requiredKeys: ["message"] },
);

/** Envelopes as JSON, most of them true ones, of texts that are hard to cut. */
export const hostileEnvelope = fc.record(
  { event, received_at: fc.constant("2026-01-01T00:00:00.000000Z"), signature: hostileText, public_key: hostileText },
  { requiredKeys: ["event", "received_at"] },
);

/** Names of custom fields, beside those of every event, and what is like one. */
const ownName = fc.constantFrom(
  "a",
  "actor_id",
  "is_ok",
  "zz",
  "n".repeat(32),
  "n".repeat(33),
  "constructor",
  "Upper",
  "x-y",
);

/** Envelopes with fields of a log's own, of every type and of none. */
export const customEnvelope = fc
  .tuple(hostileEnvelope, fc.dictionary(ownName, fc.oneof(hostileText, fc.maxSafeInteger(), fc.boolean(), json)))
  .map(([envelope, own]) => ({ ...envelope, event: { ...envelope.event, ...own } }));
