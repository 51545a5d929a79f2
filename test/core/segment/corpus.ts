import { utf8 } from "../../../src/core/bytes.js";
import { canonicalJson, type Json } from "../../../src/core/json.js";
import { logFormat } from "../../../src/core/format.js";
import type { IndexedEntry } from "../../../src/core/words/entry-terms.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { PIECE_DOCUMENTS, segmentDocuments, type Segment } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";

const FORMAT = logFormat("rfc6962", nodeSha256);
const VOCABULARY = ["alice", "bob", "logged", "in", "out", "log", "login", "東", "京", "straße", "7", "of"];
const LONG = "long ".repeat(80);

const made = new Map<number, IndexedEntry>();

/** Entries that repeat much and hide much: the same for the same leaf, everywhere. */
export function entryAt(leaf: number): IndexedEntry {
  const known = made.get(leaf);
  if (known !== undefined) return known;
  const canonical = utf8(canonicalAt(leaf));
  const entry = { canonical, leafHash: FORMAT.leafHash(canonical) };
  made.set(leaf, entry);
  return entry;
}

function canonicalAt(leaf: number): string {
  const random = sequence(leaf);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const text = (most: number): string =>
    Array.from({ length: 1 + Math.floor(random() * most) }, () => pick(VOCABULARY)).join(pick([" ", "-", " "]));
  if (leaf % 97 === 5) return pick(["no envelope", "{}", `{"event":{"message":"bob"}}`]);
  const event: Record<string, Json> = {
    message: leaf % 11 === 0 ? { [pick(VOCABULARY)]: text(3), list: [leaf % 5, pick(VOCABULARY)] } : text(9),
    actor: pick(["alice@example.com", "bob@example.com", "carol@example.com", `user${leaf % 50}@example.com`]),
    status: leaf % 3 === 0 ? "failed" : "ok",
  };
  if (leaf % 2 === 0) event["action"] = pick(["", "login", "logout"]);
  if (leaf % 5 === 0) event["target"] = leaf % 10 === 0 ? `${LONG}${leaf % 7}` : `/api/${leaf % 31}`;
  if (leaf % 7 === 0) event["new"] = { role: pick(VOCABULARY), n: leaf };
  if (leaf === 0 || leaf % 4_096 === 4_095) event["source"] = "edge";
  event["timestamp"] = pick([
    new Date(Date.UTC(2026, 0, 1) + leaf * 977).toISOString(),
    1_767_225_600 + leaf,
    `2026-01-01T${String(leaf % 24).padStart(2, "0")}:00:00.000${leaf % 1_000}+02:00`,
    "yesterday",
  ]);
  return canonicalJson({ event, received_at: "2026-01-01T00:00:00.000000Z" });
}

/** Numbers from 0 to 1 that follow from a seed alone (mulberry32). */
function sequence(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

let full: Group | undefined;

/** The group of a number, with its first `documents` entries; that of all of the first 4,096 is made once. */
export function groupOf(number: number, documents: number = PIECE_DOCUMENTS): Group {
  if (number > 0 || documents < PIECE_DOCUMENTS) return madeGroup(number, documents);
  return (full ??= madeGroup(number, documents));
}

function madeGroup(number: number, documents: number): Group {
  const group = new Group(number, nodeSha256);
  for (let i = 0; i < documents; i++) group.add(entryAt(number * PIECE_DOCUMENTS + i));
  return group;
}

/** Its segments of level 0. */
export function baseSegments(group: Group): readonly Segment[] {
  return Array.from({ length: Math.floor(group.documents / segmentDocuments(0)) }, (_, place) =>
    buildSegment(group, 0, place),
  );
}
