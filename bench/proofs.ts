import { utf8, nobleSha256 } from "../src/core/bytes.js";
import { logFormat } from "../src/core/format.js";
import type { Question } from "../src/core/segment/answer.js";
import { buildSegment } from "../src/core/segment/build.js";
import type { SegmentFilter } from "../src/core/segment/filter.js";
import { PIECE_DOCUMENTS, type Segment, type SegmentId } from "../src/core/segment/format.js";
import { Group } from "../src/core/segment/group.js";
import { HashTree } from "../src/core/segment/hash-tree.js";
import { BASE_ENTRIES, dueAt, recordBytes, segmentCover } from "../src/core/segment/index-log.js";
import { memorySource } from "../src/core/segment/memory-source.js";
import { MERGED_CHILDREN, mergeSegments } from "../src/core/segment/merge.js";
import { readProof } from "../src/core/segment/proof-document.js";
import type { Provable } from "../src/core/segment/prove.js";
import { proveAnswer, type ProvableLog } from "../test/core/segment/prove-answer.js";
import { SegmentReader } from "../src/core/segment/read.js";
import { verifyAnswer } from "../src/core/segment/verify-answer.js";
import { nodeSha256 } from "../src/keys/node-crypto.js";
import { entryAt } from "./events.js";

/**
 * Usage: node build/bench/proofs.js [events] [runs]
 * What a proof that a result is complete costs over `events` (100,000) entries: blocks and kilobytes, of which the texts
 * that are in no segment yet; milliseconds to prove, and to verify with SHA-256 in JavaScript, as a browser does. Medians
 * of `runs` (9).
 */
const events = Number(process.argv[2] ?? 100_000);
const runs = Number(process.argv[3] ?? 9);
const format = logFormat("rfc6962", nodeSha256);
const segments = new Map<string, Segment & { readonly hashes: HashTree }>();

const texts = Array.from({ length: events }, (_, place) => utf8(entryAt(place).canonical));
for (let start = 0; start < events; start += PIECE_DOCUMENTS) {
  const group = new Group(start / PIECE_DOCUMENTS, nodeSha256);
  for (const canonical of texts.slice(start, start + PIECE_DOCUMENTS))
    group.add({ canonical, leafHash: format.leafHash(canonical) });
  for (let place = 0; (place + 1) * BASE_ENTRIES <= group.documents; place++) put(buildSegment(group, 0, place));
  if (group.documents === PIECE_DOCUMENTS) put(buildSegment(group, 1));
}
for (const level of [1, 2]) {
  const parents = Math.floor(events / (BASE_ENTRIES * 16 ** (level + 1)));
  for (let number = 0; number < parents; number++)
    put(
      mergeSegments(
        Array.from({ length: MERGED_CHILDREN }, (_, child) => {
          return new SegmentReader(memorySource(segment({ level, number: MERGED_CHILDREN * number + child })));
        }),
      ),
    );
}
const records = Array.from({ length: Math.floor(events / BASE_ENTRIES) }, (_, base) =>
  recordBytes(
    base,
    dueAt(base).map((id) => ({ ...id, blocks: segment(id).blocks.length, root: segment(id).hashes.root() })),
  ),
);
const log = treeOf(texts);
const index = treeOf(records);

const phrase = (words: string, prefix = false): SegmentFilter => ({
  ...{ kind: "phrase", field: undefined, words: words.split(" "), prefix },
});
const failed: SegmentFilter = { kind: "exact", field: "status", value: "failed" };
const actor: SegmentFilter = { kind: "exact", field: "actor", value: "user77@example.com" };
const page = { kind: "page" as const, limit: 50 };
const count = { kind: "count" as const, cap: undefined };
const kinds: Readonly<Record<string, readonly [SegmentFilter, Question["wanted"]]>> = {
  "rare word": [phrase("7777"), page],
  "absent word": [phrase("nowhere"), page],
  "33 % word, newest": [phrase("failed"), page],
  "NOT 33 %, newest": [{ kind: "not", filter: failed }, page],
  "phrase, newest": [phrase("changed the"), page],
  "actor=value, newest": [actor, page],
  "actor= AND status=, newest": [{ kind: "and", filters: [actor, failed] }, page],
  "rare AND common": [{ kind: "and", filters: [phrase("7777"), phrase("failed")] }, page],
  "phrase that is nowhere": [phrase("the changed"), page],
  "prefix, newest": [phrase("kal", true), page],
  "count rare": [phrase("7777"), count],
  "count 33 %": [failed, count],
  "count actor= AND status=": [{ kind: "and", filters: [actor, failed] }, count],
};
for (const [name, [filter, wanted]] of Object.entries(kinds)) {
  const window = { from: undefined, until: undefined };
  measure(name, { filter, wanted, window, after: undefined, descending: true });
}

function measure(name: string, question: Question): void {
  const range = { start: 0, end: events };
  const from: ProvableLog = {
    ...{ log, index, format, sha256: nodeSha256 },
    segments: segmentCover(range, index.size).map((id) => {
      const { blocks, hashes } = segment(id);
      return { ...id, source: memorySource(segment(id)), tree: { size: blocks.length, hashes } };
    }),
  };
  const roots = {
    ...{ log: { treeSize: log.size, rootHash: log.root }, index: { treeSize: index.size, rootHash: index.root } },
    ...{ format: logFormat("rfc6962", nobleSha256), sha256: nobleSha256 },
  };
  const times = { prove: [] as number[], verify: [] as number[] };
  let { answer, proof } = proveAnswer(from, question, range);
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    ({ answer, proof } = proveAnswer(from, question, range));
    const proven = performance.now();
    const verdict = verifyAnswer(roots, question, { answer, proof });
    times.verify.push(performance.now() - proven);
    times.prove.push(proven - start);
    if (verdict.kind !== "COMPLETE") throw new Error(`${name}: ${verdict.reason}`);
  }
  const document = readProof(proof);
  const blocks = document?.segments.reduce((sum, one) => sum + one.blocks.leaves.length, 0) ?? 0;
  const tail = document?.entries.leaves.reduce((sum, { bytes }) => sum + bytes.length, 0) ?? 0;
  const kilobytes = (bytes: number): string => (bytes / 1_024).toFixed(0);
  const [prove, verify] = [times.prove, times.verify].map((all) =>
    (all.sort((a, b) => a - b)[runs >> 1] ?? 0).toFixed(1),
  );
  console.log(
    `${name}: ${blocks} blocks of ${document?.segments.length ?? 0} segments, ${kilobytes(proof.length - tail)} KB and ${kilobytes(tail)} KB of texts; prove ${prove ?? ""} ms, verify ${verify ?? ""} ms`,
  );
}

function put(built: Segment): void {
  const hashes = new HashTree(
    format,
    built.blocks.map((block) => format.leafHash(block)),
  );
  segments.set(`${built.level}/${built.number}`, { ...built, hashes });
}

function segment({ level, number }: SegmentId): Segment & { readonly hashes: HashTree } {
  const found = segments.get(`${level}/${number}`);
  if (found === undefined) throw new RangeError(`no segment ${level}/${number}`);
  return found;
}

function treeOf(leaves: readonly Uint8Array[]): Provable & { readonly root: Uint8Array } {
  const hashes = new HashTree(
    format,
    leaves.map((leaf) => format.leafHash(leaf)),
  );
  return { size: leaves.length, hashes, root: hashes.root(), leaf: (place) => leaves[place] ?? new Uint8Array() };
}
