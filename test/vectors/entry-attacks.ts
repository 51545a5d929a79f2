import { base64, digestOf, utf8 } from "../../src/core/bytes.js";
import type { Envelope } from "../../src/core/event.js";
import { nobleEd25519, publicKeyText } from "../../src/core/signature.js";
import type { Attack } from "./attack.js";
import { PUBLIC_KEY, SEED, type VectorLog } from "./document.js";
import { KEY_SPELLINGS, withCofactor } from "./key-attacks.js";

const RECEIVED_AT = "2026-01-01T00:00:00.000000Z";
/** The order of Ed25519's base point (RFC 8032 section 5.1): adding it to S gives another signature that adds up. */
const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/** How deep the message of `nested` may nest, docs/format.md section 1. */
const MAX_FIELD_DEPTH = 64;

/** A text that no honest server hashes, with the hash of its very bytes. */
interface TextLie {
  readonly name: string;
  readonly about: string;
  readonly canonical: string;
}

const TEXT_LIES: readonly TextLie[] = [
  ["blank", "A blank stands after a colon.", `{"event": {"message":"m"},"received_at":"${RECEIVED_AT}"}`],
  ["trailing-newline", "A newline ends the text.", `{"event":{"message":"m"},"received_at":"${RECEIVED_AT}"}\n`],
  ["keys-out-of-order", "The keys are not sorted.", `{"received_at":"${RECEIVED_AT}","event":{"message":"m"}}`],
  [
    "keys-by-code-point",
    "Keys are sorted by code point, not by UTF-16 code unit (RFC 8785 section 3.2.3).",
    `{"event":{"message":{"\ufb33":1,"\u{1f600}":2}},"received_at":"${RECEIVED_AT}"}`,
  ],
  [
    "duplicate-key",
    "A key stands twice, and readers disagree on which counts.",
    `{"event":{"actor":"alice","actor":"bob","message":"m"},"received_at":"${RECEIVED_AT}"}`,
  ],
  ["escape-not-needed", "A letter is escaped.", `{"event":{"message":"\\u006d"},"received_at":"${RECEIVED_AT}"}`],
  [
    "upper-case-escape",
    "An escape is in upper case.",
    `{"event":{"message":"\\u001F"},"received_at":"${RECEIVED_AT}"}`,
  ],
  ["lone-surrogate", "A surrogate has no partner.", `{"event":{"message":"\\ud800"},"received_at":"${RECEIVED_AT}"}`],
  [
    "number-spelling",
    "A number is not in its shortest form.",
    `{"event":{"message":{"n":1.0}},"received_at":"${RECEIVED_AT}"}`,
  ],
  [
    "integer-beyond-2-53",
    "An integer has more digits than a double keeps.",
    `{"event":{"message":{"n":9007199254740993}},"received_at":"${RECEIVED_AT}"}`,
  ],
  ["minus-zero", "Zero has a sign.", `{"event":{"message":{"n":-0}},"received_at":"${RECEIVED_AT}"}`],
  [
    "milliseconds",
    "The time has three fractional digits.",
    `{"event":{"message":"m"},"received_at":"2026-01-01T00:00:00.000Z"}`,
  ],
  [
    "key-that-is-a-number",
    "The public key is a number, beside a signature that is text.",
    `{"event":{"message":"m"},"public_key":7,"received_at":"${RECEIVED_AT}","signature":"AA=="}`,
  ],
  [
    "signature-that-is-a-number",
    "The signature is a number, beside a public key that is text.",
    `{"event":{"message":"m"},"public_key":"AA==","received_at":"${RECEIVED_AT}","signature":7}`,
  ],
  [
    "key-that-is-null",
    "Signature and public key are null, not absent.",
    `{"event":{"message":"m"},"public_key":null,"received_at":"${RECEIVED_AT}","signature":null}`,
  ],
  [
    "actor-that-is-an-object",
    "The actor, a text, is an object.",
    `{"event":{"actor":{},"message":"m"},"received_at":"${RECEIVED_AT}"}`,
  ],
  [
    "status-that-is-an-object",
    "The status, a text, is an object.",
    `{"event":{"message":"m","status":{"a":"b"}},"received_at":"${RECEIVED_AT}"}`,
  ],
  [
    "tenant-that-is-null",
    "The tenant is null, not absent.",
    `{"event":{"message":"m","tenant_id":null},"received_at":"${RECEIVED_AT}"}`,
  ],
  ["event-that-is-a-list", "The event is a list.", `{"event":["message"],"received_at":"${RECEIVED_AT}"}`],
  ["nested-too-deeply", "The message nests 65 deep: the envelope 67.", nested(65)],
  ["nested-by-the-thousand", "The message nests 2,000 deep, for a reader's stack to end.", nested(2_000)],
  ["no-message", "The event has no message.", `{"event":{"actor":"a"},"received_at":"${RECEIVED_AT}"}`],
  ["not-json", "The text is no JSON.", "{"],
].map(([name = "", about = "", canonical = ""]) => ({ name, about, canonical }));

function nested(levels: number): string {
  return `{"event":{"message":${'{"a":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}},"received_at":"${RECEIVED_AT}"}`;
}

/** A signed envelope that does not hold what it seems to. */
interface SignatureLie {
  readonly name: string;
  readonly about: string;
  readonly reason: string;
  readonly change: (honest: SignedEnvelope) => Partial<Envelope>;
}

interface SignedEnvelope extends Envelope {
  readonly signature: string;
  /** What the signature is of. */
  readonly signedText: string;
}

const SIGNATURE_LIES: readonly SignatureLie[] = [
  {
    name: "signature-of-another-event",
    about: "The message was changed after signing, and the entry hashed anew.",
    reason: "SIGNATURE_MISMATCH",
    change: ({ event }) => ({ event: { ...event, message: "changed" } }),
  },
  {
    name: "flipped-signature",
    about: "One bit of the signature is turned.",
    reason: "SIGNATURE_MISMATCH",
    change: ({ signature }) => ({ signature: base64(altered(signature, (bytes) => (bytes[0] ?? 0) ^ 1)) }),
  },
  {
    name: "malleable-signature",
    about: "The group's order is added to S: RFC 8032 section 5.1.7 asks for S below it.",
    reason: "SIGNATURE_MISMATCH",
    change: ({ signature }) => ({ signature: base64(withGroupOrder(Buffer.from(signature, "base64"))) }),
  },
  {
    name: "key-of-small-order",
    about: "The key is the neutral point, under which this signature fits every message.",
    reason: "MALFORMED_PUBLIC_KEY",
    change: () => ({
      signature: base64(Uint8Array.of(1, ...new Uint8Array(63))),
      public_key: base64(Uint8Array.of(1, ...new Uint8Array(31))),
    }),
  },
  {
    name: "signature-with-a-cofactor",
    about: "The key has a part of small order: R fits only once both sides are multiplied by the cofactor.",
    reason: "SIGNATURE_MISMATCH",
    change: ({ signedText }) => withCofactor(utf8(signedText)),
  },
  {
    name: "another-algorithm",
    about: "The key says that it is for RSA.",
    reason: "MALFORMED_PUBLIC_KEY",
    change: () => ({ public_key: publicKeyText(PUBLIC_KEY).replace("ED25519", "RSA") }),
  },
  {
    name: "short-signature",
    about: "The signature has 63 bytes.",
    reason: "MALFORMED_SIGNATURE",
    change: () => ({ signature: base64(new Uint8Array(63)) }),
  },
  {
    name: "signature-with-stray-bits",
    about: "The signature's base64 ends in bits that belong to no byte.",
    reason: "MALFORMED_SIGNATURE",
    change: ({ signature }) => ({ signature: signature.replace(/.==$/, "B==") }),
  },
];

const source = "RFC 8785, RFC 8032, docs/format.md";

export const ENTRY_ATTACKS: readonly Attack[] = [
  {
    name: "entry/none",
    about: "An honest signed entry, to compare the others with.",
    source,
    want: { "entries[0] signature": "VALID" },
    document: (log) => log.document([signedEntry(log, () => ({}))], []),
  },
  {
    name: "entry/other-text",
    about: "The text was changed, and the hash left as it was.",
    source,
    want: { "entries[0] hash": "INVALID HASH_MISMATCH" },
    document: (log) => {
      const entry = log.entry(2, 7);
      return log.document([{ ...entry, canonical: entry.canonical.replace("event 2", "event X") }], [log.root(7)]);
    },
  },
  {
    name: "entry/without-its-key",
    about: "A signature came without a key.",
    source,
    want: { "entries[0] signature": "INVALID INCOMPLETE_SIGNATURE" },
    document: (log) => {
      const { event, received_at, signature } = signedEnvelope(log);
      return log.document([entryOf(log, log.format.canonicalText({ event, received_at, signature }))], []);
    },
  },
  ...TEXT_LIES.map(({ name, about, canonical }) => ({
    name: `entry/${name}`,
    about: `${about} The hash is of these very bytes.`,
    source,
    want: { "entries[0] hash": "INVALID NOT_CANONICAL", "entries[0] signature": "UNKNOWN NOT_CANONICAL" },
    document: (log: VectorLog) => log.document([entryOf(log, canonical)], []),
  })),
  {
    name: "entry/nested-as-deep-as-may-be",
    about: "An honest entry whose message nests 64 deep: the envelope 66.",
    source,
    want: {},
    document: (log) => log.document([entryOf(log, nested(MAX_FIELD_DEPTH))], []),
  },
  ...KEY_SPELLINGS.map(([name, about, public_key, verdict]) => ({
    name: `entry/${name}`,
    about,
    source,
    want: { "entries[0] signature": verdict },
    document: (log: VectorLog) => log.document([signedEntry(log, () => ({ public_key }))], []),
  })),
  ...SIGNATURE_LIES.map(({ name, about, reason, change }) => ({
    name: `entry/${name}`,
    about,
    source,
    want: { "entries[0] signature": `INVALID ${reason}` },
    document: (log: VectorLog) => log.document([signedEntry(log, change)], []),
  })),
];

function signedEnvelope(log: VectorLog): SignedEnvelope {
  const event = { message: { a: "ä", b: [1, 2.5, { c: null }] }, actor: "bob" };
  const signedText = log.format.signedText(event);
  const signature = base64(nobleEd25519.sign(utf8(signedText), SEED));
  return { event, received_at: RECEIVED_AT, signature, public_key: publicKeyText(PUBLIC_KEY), signedText };
}

function signedEntry(log: VectorLog, change: SignatureLie["change"]): ReturnType<typeof entryOf> {
  const { signedText, ...envelope } = signedEnvelope(log);
  return entryOf(log, log.format.canonicalText({ ...envelope, ...change({ ...envelope, signedText }) }));
}

function entryOf(log: VectorLog, canonical: string): { leafIndex: number; hash: string; canonical: string } {
  return { leafIndex: 0, hash: digestOf(log.format.leafHash(utf8(canonical))), canonical };
}

function altered(signature: string, first: (bytes: Uint8Array) => number): Uint8Array {
  const bytes = Uint8Array.from(Buffer.from(signature, "base64"));
  bytes[0] = first(bytes);
  return bytes;
}

function withGroupOrder(signature: Uint8Array): Uint8Array {
  const s = signature.subarray(32).reduceRight((number, byte) => number * 256n + BigInt(byte), 0n) + GROUP_ORDER;
  const bytes = Array.from({ length: 32 }, (_, i) => Number((s >> BigInt(8 * i)) & 255n));
  return new Uint8Array([...signature.subarray(0, 32), ...bytes]);
}
