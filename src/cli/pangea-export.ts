import { stat, readFile } from "node:fs/promises";
import { digestOf, parseDigest, digestBytes, utf8 } from "../core/bytes.js";
import { isCustomField } from "../core/custom-field.js";
import { logFormat } from "../core/format.js";
import { canonicalJson, isPlainObject, type JsonObject } from "../core/json.js";
import { membershipTextVerdict, placeOfText } from "../core/proof-text.js";
import { signatureVerdict } from "../core/signature.js";
import { nodeEd25519, nodeSha256 } from "../keys/node-crypto.js";
import { bad, eventOf, linesOf, LongLineError, MAX_LINE_BYTES, parsed, type ReadEvent } from "./event-reader.js";
import { CommandError } from "./output.js";

/** Of a document, which is parsed whole because its roots may stand behind its events. */
const MAX_DOCUMENT_BYTES = 64 * 2 ** 20;

const FORMAT = logFormat("pangea", nodeSha256);
const ED25519 = nodeEd25519();

type Members = Readonly<Record<string, unknown>>;

/**
 * The events of a Pangea log, each verified: its hash, its author's signature, and that it is in the tree of the root that came
 * with it. A file is one response of a search (section 1.6 of the protocol), or has an event on each line, as `dump_audit` writes
 * it. Rejects with CommandError on a file that is neither, or is too large.
 */
export async function* readPangeaExport(path: string, addsTime = true): AsyncGenerator<ReadEvent> {
  yield* (await hasEventsInLines(path)) ? readLines(path, addsTime) : readDocument(path, addsTime);
}

/** By its first line. One that is too long for an event may be a whole document, whose bound is another. */
async function hasEventsInLines(path: string): Promise<boolean> {
  try {
    for await (const { text } of linesOf(path)) {
      const first = parsed(text);
      return isPlainObject(first) && "envelope" in first;
    }
    return true;
  } catch (error) {
    if (error instanceof LongLineError) return false;
    throw error;
  }
}

async function* readLines(path: string, addsTime: boolean): AsyncGenerator<ReadEvent> {
  for await (const { line, text } of linesOf(path)) yield verified(line, parsed(text), { answer: {}, addsTime });
}

async function* readDocument(path: string, addsTime: boolean): AsyncGenerator<ReadEvent> {
  const { size } = await stat(path);
  if (size > MAX_DOCUMENT_BYTES)
    throw new CommandError(
      `${path}: more than ${MAX_DOCUMENT_BYTES} bytes in one document: give one event on each line`,
    );
  const document = parsed(await readFile(path, "utf8"));
  const answer = isPlainObject(document) && isPlainObject(document["result"]) ? document["result"] : document;
  const events = isPlainObject(answer) ? answer["events"] : undefined;
  if (!isPlainObject(answer) || !Array.isArray(events))
    throw new CommandError(
      `${path}: expected the response of a search, or one event with its envelope on each line of at most ${MAX_LINE_BYTES} bytes`,
    );
  for (const [at, event] of events.entries()) yield verified(at + 1, event, { answer, addsTime });
}

interface Reading {
  readonly answer: Members;
  /** Whether an event without a time gets that of its receipt. */
  readonly addsTime: boolean;
}

/** An event of an answer with these roots; those beside the event itself come first. */
function verified(line: number, item: unknown, { answer, addsTime }: Reading): ReadEvent {
  if (!isPlainObject(item) || !isPlainObject(item["envelope"])) return bad(line, "an event with its envelope", "none");
  const { envelope } = item;
  const hash = hashOf(envelope);
  if (hash === undefined || digestOf(hash) !== item["hash"])
    return bad(line, "a hash that is that of the envelope", "another hash");
  const membership = membershipOf(hash, item, { ...answer, ...item });
  if (membership !== "proven" && membership !== "without a root")
    return bad(line, "a proof that leads to the root beside it", membership);
  return imported(line, envelope, addsTime);
}

/** The service hashes whatever its envelope holds (section 2.5). */
function hashOf(envelope: Members): Uint8Array | undefined {
  try {
    return FORMAT.leafHash(utf8(canonicalJson(envelope as JsonObject)));
  } catch {
    return undefined; // not JSON that can be written exactly
  }
}

function membershipOf(leafHash: Uint8Array, item: Members, roots: Members): string {
  const isPublished = item["published"] === true;
  const root = roots[isPublished ? "root" : "unpublished_root"];
  const { membership_proof: text } = item;
  if (!isPlainObject(root) || text === undefined || text === null) return "without a root";
  const { size: treeSize, root_hash: rootText } = root;
  const digest = typeof rootText === "string" ? parseDigest(rootText) : undefined;
  if (typeof text !== "string" || typeof treeSize !== "number" || digest === undefined) return "a malformed proof";
  const leafIndex = isPublished ? item["leaf_index"] : placeOfText(text, treeSize)?.leafIndex;
  if (typeof leafIndex !== "number") return "a proof without a leaf";
  const claim = { leafIndex, treeSize, leafHash, rootHash: digestBytes(digest), text };
  const verdict = membershipTextVerdict(FORMAT, claim);
  return verdict.kind === "VALID" ? "proven" : verdict.reason;
}

/**
 * The event as it is logged here: as it was, with its signature. Where it tells no time of its own, and nobody signed
 * that it has none, its timestamp is when Pangea received it.
 */
function imported(
  line: number,
  { event, err, received_at, signature, public_key: publicKey }: Members,
  addsTime: boolean,
): ReadEvent {
  if ((err ?? null) !== null)
    return bad(line, "an event that fitted its schema", "one with err, which has no place here");
  const isSigned = typeof signature === "string" && typeof publicKey === "string";
  const hasTime = !addsTime || !isPlainObject(event) || (event["timestamp"] ?? null) !== null;
  const timed = isSigned || hasTime ? event : { ...event, timestamp: received_at };
  const read = eventOf(line, withCustom(timed));
  if (read.kind === "bad" || !isSigned) return read;
  const envelope = { event: read.event, received_at: String(received_at), signature, public_key: publicKey };
  const verdict = signatureVerdict(envelope, FORMAT, ED25519);
  if (verdict.kind === "VALID") return { ...read, signature, publicKey };
  return bad(line, "a signature that its key made", verdict.reason);
}

/** With its own fields in an object, as this API has them. */
function withCustom(event: unknown): unknown {
  if (!isPlainObject(event)) return event;
  const own = Object.entries(event).filter(([name]) => isCustomField(name));
  const standard = Object.entries(event).filter(([name]) => !isCustomField(name));
  return own.length === 0 ? event : { ...Object.fromEntries(standard), custom: Object.fromEntries(own) };
}
