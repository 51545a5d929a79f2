import { digestOf, utf8 } from "../../src/core/bytes.js";
import type { EntryClaim } from "../../src/core/claim.js";
import { logFormat } from "../../src/core/format.js";
import { canonicalJson } from "../../src/core/json.js";
import { membershipText } from "../../src/core/proof-text.js";
import { ORIGIN, VectorLog } from "../vectors/document.js";
import {
  anySlot,
  bent,
  isMembers,
  junk,
  NUMBER_TEXTS,
  NUMBERS,
  ODD,
  parsed,
  slotsOf,
  type Members,
  type Random,
  type Value,
} from "./mutable-value.js";

/** The text of an honest document, of either format, with one to four lies in it. */
export function mutatedDocument(random: Random): string {
  const document = JSON.parse(random.pick(HONEST)) as Members;
  lieIn(document, random);
  const text = JSON.stringify(document);
  return random.chance(25) ? bentJson(text, random) : text;
}

/** Puts one to four lies into what holds entries and roots, wherever they stand; `format` is that of the log. */
export function lieIn(document: Members, random: Random): void {
  for (let lies = 1 + random.below(3); lies > 0; lies -= 1) random.pick(LIES)(document, random);
}

/** A text of JSON with a lie that no value has: another spelling of a number, a member twice, a character that is none. */
export function bentJson(text: string, random: Random): string {
  return random.pick(TEXT_LIES)(text, random);
}

const HONEST = ["rfc6962" as const, "pangea" as const].flatMap((format) => {
  const log = new VectorLog(format);
  return [
    log.document([log.entry(1, 7), log.entry(2, 7)], [log.rootSince(3, 7)]),
    log.document([log.entry(3, 8)], [log.root(8), log.rootSince(4, 9)]),
    log.document([withText(log.entry(4, 7)), withText(log.entry(6, 7))], [log.root(7)]),
    log.document([log.entry(5, 6), log.entry(0, 1)], [log.rootSince(6, 6), log.rootSince(1, 9), log.root(1)]),
  ].map((document) => JSON.stringify(document));
}) as [string, ...string[]];

type Lie = (document: Members, random: Random) => void;

const LIES: readonly [Lie, ...Lie[]] = [
  junked,
  removed,
  bentText,
  nudged,
  swapped,
  inserted,
  bentEnvelope,
  bentEnvelope,
  oddMessage,
  oddKey,
  oddLine,
  oddLine,
  oddLogKey,
  oddText,
];

/** The entry with its proof in the Pangea protocol's spelling. */
function withText(entry: EntryClaim): EntryClaim {
  if (!entry.membershipProof) return entry;
  const { path, ...proof } = entry.membershipProof;
  const hashes = path.map((hash) => Uint8Array.from(Buffer.from(hash, "hex")));
  return Object.assign({}, entry, { membershipProof: { ...proof, text: membershipText({ ...proof, path: hashes }) } });
}

function junked(document: Members, random: Random): void {
  anySlot(document, random)?.set(junk(random));
}

function removed(document: Members, random: Random): void {
  anySlot(document, random)?.remove();
}

function bentText(document: Members, random: Random): void {
  const slot = anySlot(document, random);
  const value = slot?.get();
  if (typeof value === "string") slot?.set(bent(value, random));
}

function nudged(document: Members, random: Random): void {
  const numbers = slotsOf(document).filter(({ get }) => typeof get() === "number");
  const slot = numbers[random.below(Math.max(1, numbers.length))];
  slot?.set(random.pick(NUMBERS)(Number(slot.get())));
}

/** One side of a pair takes the value of another place: an older root, another leaf, a proof of another tree. */
function swapped(document: Members, random: Random): void {
  const slots = slotsOf(document);
  const slot = slots[random.below(slots.length)];
  const alike = slots.filter((other) => typeof other.get() === typeof slot?.get());
  const other = alike[random.below(Math.max(1, alike.length))];
  if (slot && other) slot.set(structuredClone(other.get()));
}

function inserted(document: Members, random: Random): void {
  const lists = slotsOf(document)
    .map(({ get }) => get())
    .filter((value) => Array.isArray(value));
  const list = lists[random.below(Math.max(1, lists.length))];
  const item = list?.[random.below(Math.max(1, list.length))] ?? "junk";
  list?.splice(random.below(list.length + 1), 0, random.chance(60) ? structuredClone(item) : junk(random));
}

/** The text of an entry, with the hash of what it then is: else nothing behind the hash would be looked at. */
function rewritten(document: Members, random: Random, change: (text: string) => string): void {
  const entry = anyWith("canonical", document, random);
  if (typeof entry?.["canonical"] !== "string") return;
  const canonical = change(entry["canonical"]);
  entry["canonical"] = canonical;
  const bytes = utf8(canonical);
  // No leaf of a pangea log has the size of two hashes.
  if (bytes.length !== 64 && random.chance(80)) {
    const format = logFormat(document["format"] === "pangea" ? "pangea" : "rfc6962");
    entry["hash"] = digestOf(format.leafHash(bytes));
    const proof = entry["membershipProof"];
    if (isMembers(proof) && random.chance(50)) proof["leafHash"] = entry["hash"];
  }
}

/** One of the objects with this member, wherever it stands. */
function anyWith(member: string, document: Members, random: Random): Members | undefined {
  const found = slotsOf(document)
    .map(({ get }) => get())
    .filter((value) => isMembers(value))
    .filter((value) => member in value);
  return found[random.below(Math.max(1, found.length))];
}

/** Deeper than this file's own functions care to go. */
const DEEP = /(?:\{"a":|\[){150}/;

/** An envelope changed as a document is, and mostly written canonically again. */
function bentEnvelope(document: Members, random: Random): void {
  rewritten(document, random, (text) => {
    const envelope = parsed(text);
    if (!isMembers(envelope) || DEEP.test(text)) return bent(text, random);
    for (let lies = random.below(3); lies >= 0; lies -= 1) random.pick(ENVELOPE_LIES)(envelope, random);
    return random.chance(90) ? written(envelope) : JSON.stringify(envelope);
  });
}

const ENVELOPE_LIES: readonly [Lie, ...Lie[]] = [
  junked,
  removed,
  bentText,
  swapped,
  (envelope, random) =>
    (envelope[random.pick(["a", "\u{1f600}", "\ufb33", "\udc00", "public_key", "Ä"])] = junk(random)),
];

/** A message of a number or of a depth that readers differ on. */
function oddMessage(document: Members, random: Random): void {
  rewritten(document, random, () => {
    const depth = random.pick([1, 62, 63, 64, 65, 66, 67, 200, 900, 1_100, 3_000]);
    const [open, close] = random.pick([
      ['{"a":', "}"],
      ["[", "]"],
    ] as const);
    const number = random.chance(50)
      ? random.pick(NUMBER_TEXTS)
      : JSON.stringify((random.below(2 ** 31) / 7) * 10 ** (random.below(60) - 30));
    const message = random.chance(50)
      ? `{"n":${number}}`
      : `{"m":${open.repeat(depth - 1)}{}${close.repeat(depth - 1)}}`;
    return `{"event":{"message":${message}},"received_at":"2026-01-01T00:00:00.000000Z"}`;
  });
}

/** The author's key in another spelling; the signature stays, which is of the event alone. */
function oddKey(document: Members, random: Random): void {
  rewritten(document, random, (text) => {
    const envelope = parsed(text);
    if (!isMembers(envelope) || typeof envelope["public_key"] !== "string") return text;
    const key = parsed(envelope["public_key"]);
    const pem = isMembers(key) && typeof key["key"] === "string" ? key["key"] : envelope["public_key"];
    envelope["public_key"] = keySpelling(pem, random);
    return written(envelope);
  });
}

function keySpelling(pem: string, random: Random): string {
  const member = random.chance(50)
    ? `"n":${random.pick(NUMBER_TEXTS)},`
    : `"algorithm":${random.pick(['"ED25519"', "null", '"RSA"'])},`;
  const spellings: readonly [() => string, ...(() => string)[]] = [
    () => pem + random.pick(ODD),
    () => pem.replaceAll("\n", random.pick(["\r\n", "\r", "\n\n", "\u2028"])),
    () => pem.split("\n")[1] ?? "",
    () => bent(pem, random),
    () => `{${member}"key":${JSON.stringify(pem)}}`,
    () => `{"key":${JSON.stringify(pem)},"x":"${"x".repeat(100 + random.below(60))}"}`,
    () => ` {"key":${JSON.stringify(pem)}}`,
    () => bent(JSON.stringify({ key: pem }), random),
  ];
  return random.pick(spellings)();
}

/** An item more or less in a proof as text, or one that names the other side. */
function oddText(document: Members, random: Random): void {
  const texts = slotsOf(document).filter(({ get }) => isPathText(get()));
  const slot = texts[random.below(Math.max(1, texts.length))];
  const text = slot?.get();
  const items = typeof text === "string" ? text.split(",") : [];
  const item = random.pick([`l:${"0".repeat(64)}`, `r:${"f".repeat(64)}`, "x:", "", items[0] ?? "", "l:".repeat(40)]);
  const at = random.below(items.length + 1);
  if (random.chance(30)) items[at] = String(items[at]).replace(/^./, (side) => (side === "l" ? "r" : "l"));
  else
    items.splice(random.chance(50) ? 0 : at, random.below(2), ...Array<string>(random.pick([1, 2, 53, 54])).fill(item));
  slot?.set(items.join(","));
}

function oddLogKey(document: Members, random: Random): void {
  const key = document["publicKey"];
  if (typeof key === "string") document["publicKey"] = keySpelling(key, random);
}

/** A line among a checkpoint's, or a change within. */
function oddLine(document: Members, random: Random): void {
  const root = anyWith("checkpoint", document, random);
  if (typeof root?.["checkpoint"] !== "string") return;
  const lines = root["checkpoint"].split("\n");
  const own = lines.at(-2) ?? "";
  const name = random.pick([
    "w",
    ORIGIN,
    random.pick(ODD),
    `w${random.pick(ODD)}`,
    `${random.pick(ODD)}w`,
    "\u{1f441}",
    "w".repeat(30_000),
  ]);
  const blob = random.pick([
    "AAAAAAAA",
    "AAAAAA==",
    "AAAA",
    "AAAAAAA=",
    "AAAAAAB=",
    own.split(" ").at(-1) ?? "",
    "A".repeat(60_000),
  ]);
  const line = random.pick([
    `— ${name} ${blob}`,
    own,
    bent(own, random),
    `- ${name} ${blob}`,
    `— ${name}  ${blob}`,
    `— ${name} ${blob} `,
  ]);
  lines.splice(
    random.chance(80) ? lines.length - 1 - random.below(2) : random.below(lines.length),
    random.below(2),
    line,
  );
  root["checkpoint"] = lines.join("\n");
}

function isPathText(value: Value): boolean {
  return typeof value === "string" && /^[lr]:/.test(value);
}

type TextLie = (text: string, random: Random) => string;

const TEXT_LIES: readonly [TextLie, ...TextLie[]] = [
  bent,
  replaced(/(?<="[A-Za-z]+":)\d+/g, (_, number) => number),
  replaced(/"[A-Za-z]+":\d+/g, (member, number) => `${member},${member.replace(/\d+/, number)}`),
  replaced(/\d+(?=[,}])/g, (_, number) => number),
  (text, random) => random.pick(ODD) + text,
];

/** One of the places that match gets a number in a spelling of its own. */
function replaced(pattern: RegExp, replacement: (found: string, number: string) => string): TextLie {
  return (text, random) => {
    const found = [...text.matchAll(pattern)];
    const match = found[random.below(Math.max(1, found.length))];
    if (match === undefined) return text;
    const after = text.slice(match.index + match[0].length);
    return text.slice(0, match.index) + replacement(match[0], random.pick(NUMBER_TEXTS)) + after;
  };
}

function written(value: Value): string {
  try {
    return canonicalJson(value);
  } catch {
    return JSON.stringify(value);
  }
}
