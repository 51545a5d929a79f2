import { AuditError } from "../../audit/errors.js";
import type { ProofQuery, ProvenAnswer, ReadEntries } from "../../audit/search-index.js";
import { utf8 } from "../../core/bytes.js";
import { edgesOf, entriesToProve, rangeOf, type LogEntry } from "../../core/segment/answer.js";
import { PIECE_DOCUMENTS, type SegmentId } from "../../core/segment/format.js";
import type { HashTree } from "../../core/segment/hash-tree.js";
import { BASE_ENTRIES, dueBases, segmentCover } from "../../core/segment/index-log.js";
import { memorySource } from "../../core/segment/memory-source.js";
import { MAX_PROOF_BYTES, proofBytes, type ProvenSegment } from "../../core/segment/proof-document.js";
import { provenLeaves, siblings } from "../../core/segment/prove.js";
import { SegmentReader, type BlockSource } from "../../core/segment/read.js";
import { leavesOf } from "../../core/segment/search.js";
import type { LeafRange } from "../../core/tree.js";
import { AnswerWalk } from "./answer-walk.js";
import { soundRows, type BaseSegments, type ProofCache } from "./base-segments.js";
import type { IndexLog } from "./index-tree.js";
import { READ_ENTRIES } from "./log-rows.js";
import { Outline, treeOver } from "./outline.js";
import { Steps } from "./matches.js";
import type { SegmentMaker } from "./segment-maker.js";
import { prefetch, termsOf, type OpenSegment, type SegmentSession } from "./open-segment.js";
import type { StoredSegments } from "./stored-segments.js";

/** Entries behind the index that a proof may hold: more wait for the index to be built. */
const MOST_BEHIND = 2 * PIECE_DOCUMENTS;
const RETRY_AFTER_MS = 1_000;

export interface ProverParts {
  readonly log: string;
  readonly entries: ReadEntries;
  readonly stored: StoredSegments;
  readonly bases: BaseSegments;
  readonly indexLog: IndexLog;
  readonly proofs: ProofCache;
  readonly baseMaker: SegmentMaker;
}

/** A segment that a proof is made of. */
interface Provable extends SegmentId {
  readonly session: SegmentSession;
  readonly blocksRead: Map<number, Uint8Array>;
  readonly tree: () => Promise<HashTree>;
}

/** Answers questions about one log with proofs that nothing is missing. */
export class AnswerProver {
  constructor(private readonly parts: ProverParts) {}

  /** Rejects as SearchIndex.prove, and with SegmentLost. */
  async prove(query: ProofQuery, signal: AbortSignal | undefined): Promise<ProvenAnswer> {
    const { question, window, treeSize } = query;
    const index = await this.parts.indexLog.upTo(Math.floor(treeSize / BASE_ENTRIES));
    const indexed = index.size * BASE_ENTRIES;
    const range = rangeOf(question, window);
    const behind = { start: Math.max(range.start, indexed), end: range.end };
    const proof = new ProofParts(new Steps(signal));
    const walk = new AnswerWalk(question, range, proof.steps);
    const tail = (): Promise<void> => this.#throughTail(walk, behind, { query, proof });
    if (question.descending) await tail();
    await this.#throughSegments(walk, segmentCover(range, index.size), { query, proof });
    if (!question.descending) await tail();
    const { answer, deciding } = walk.decided;
    const used = [...proof.segments].sort((a, b) => leavesOf(a).start - leavesOf(b).start);
    const segments: ProvenSegment[] = [];
    for (const segment of used) segments.push(await provenSegment(segment, proof));
    const records = provenLeaves(index, dueBases(used));
    const leaves = entriesToProve(deciding, edgesOf(question, window, treeSize), indexed);
    const entries = await this.#entries(leaves, query, proof);
    const bytes = proofBytes({ window, proven: deciding, segments, records, entries });
    if (bytes.length > MAX_PROOF_BYTES) throw tooLarge();
    return { answer, proof: bytes, index: { treeSize: index.size, rootHash: index.rootHash } };
  }

  async #throughSegments(walk: AnswerWalk, cover: readonly SegmentId[], { query, proof }: Proving): Promise<void> {
    if (walk.isDecided()) return;
    const { descending, filter } = query.question;
    const stored = await Promise.all(cover.map((id) => this.parts.stored.find(id)));
    const terms = termsOf(filter);
    for (let at = 0, ahead = 1; at < cover.length && !walk.isDecided(); ahead *= 2) {
      // A search that goes through many segments will probably go through all: more and more are read at once.
      const some = Array.from({ length: Math.min(ahead, cover.length - at) }, (_, place) => at + place).map((place) =>
        descending ? cover.length - 1 - place : place,
      );
      at += some.length;
      await prefetch(
        some.map((place) => stored[place]).filter((segment) => segment !== undefined),
        terms,
      );
      for (const place of some) {
        const id = cover[place];
        if (id === undefined || walk.isDecided()) break;
        const segment = await this.#provable(id, stored[place]);
        proof.segments.push(segment);
        await walk.through(segment.session);
        proof.grow(segment.blocksRead.values());
      }
    }
  }

  async #provable(id: SegmentId, stored: OpenSegment | undefined): Promise<Provable> {
    const { level, number } = id;
    if (stored !== undefined) return this.#storedSegment(stored);
    if (level === 0) {
      const segment = await this.parts.bases.of(number);
      return inMemory(id, memorySource(segment), () => treeOver(segment));
    }
    const made = await this.parts.bases.whole(id);
    const outline = made && Outline.read(made.contents.at(-1) ?? new Uint8Array(), made.digest);
    if (made === undefined || outline === undefined) throw beingBuilt();
    const source: BlockSource = {
      block: (block) => made.contents[block] ?? new Uint8Array(),
      locate: (term) => outline.locate(term),
    };
    return inMemory(id, source, () => outline.tree());
  }

  #storedSegment(stored: OpenSegment): Provable {
    const blocksRead = new Map<number, Uint8Array>();
    const { level, number, digest } = stored.row;
    const name = Buffer.from(digest).toString("latin1");
    const { trees } = this.parts.proofs;
    const tree = async (): Promise<HashTree> => {
      const hashes = trees.get(name) ?? (await stored.readOutline()).tree();
      trees.set(name, hashes);
      return hashes;
    };
    return { level, number, blocksRead, session: stored.session(blocksRead), tree };
  }

  async #throughTail(walk: AnswerWalk, behind: LeafRange, { query, proof }: Proving): Promise<void> {
    const bases: LeafRange[] = [];
    for (let { start } = behind; start < behind.end;) {
      const end = Math.min(behind.end, (Math.floor(start / BASE_ENTRIES) + 1) * BASE_ENTRIES);
      bases.push({ start, end });
      start = end;
    }
    for (const base of query.question.descending ? bases.reverse() : bases) {
      if (walk.isDecided()) return;
      if (proof.texts.size + base.end - base.start > MOST_BEHIND) throw beingBuilt();
      const leaves = Array.from({ length: base.end - base.start }, (_, place) => base.start + place);
      const entries = (await this.#texts(leaves, proof)).map(({ canonical }) => ({
        canonical,
        leafHash: query.format.leafHash(canonical),
      }));
      const reader = new SegmentReader(memorySource(await this.parts.baseMaker.base(base.start, [entries])));
      await walk.through({ read: (run) => Promise.resolve(run(reader)) });
    }
  }

  async #entries(leaves: readonly number[], { siblings }: ProofQuery, proof: ProofParts): Promise<ProvenLeavesOf> {
    if (leaves.length === 0) return { leaves: [], hashes: [] };
    const texts = await this.#texts(leaves, proof);
    const hashes = await siblings(leaves);
    return { leaves: texts.map(({ leaf, canonical }) => ({ index: leaf, bytes: canonical })), hashes };
  }

  async #texts(leaves: readonly number[], proof: ProofParts): Promise<readonly LogEntry[]> {
    const { log, entries } = this.parts;
    const unread = leaves.filter((leaf) => !proof.texts.has(leaf));
    for (let at = 0; at < unread.length; at += READ_ENTRIES) {
      const rows = await soundRows(log, entries, unread.slice(at, at + READ_ENTRIES));
      const texts = rows.map(({ leafIndex, indexed }) => [leafIndex, indexed.canonical] as const);
      for (const [leaf, text] of texts) proof.texts.set(leaf, text);
      proof.grow(texts.map(([, text]) => text));
      await proof.steps.pause();
    }
    return leaves.map((leaf) => ({ leaf, canonical: proof.texts.get(leaf) ?? utf8("") }));
  }
}

interface Proving {
  readonly query: ProofQuery;
  readonly proof: ProofParts;
}

type ProvenLeavesOf = ProvenSegment["blocks"];

/** What a proof will be made of. */
class ProofParts {
  /** As they were gone through: up to the one that decides the answer, so that each is of the part that decides it. */
  readonly segments: Provable[] = [];
  readonly texts = new Map<number, Uint8Array>();
  #bytes = 0;

  constructor(readonly steps: Steps) {}

  /** Throws PROOF_TOO_LARGE. */
  grow(parts: Iterable<Uint8Array>): void {
    for (const { length } of parts) this.#bytes += length;
    if (this.#bytes > MAX_PROOF_BYTES) throw tooLarge();
  }
}

async function provenSegment({ level, number, blocksRead, tree }: Provable, proof: ProofParts): Promise<ProvenSegment> {
  const leaves = [...blocksRead].sort(([a], [b]) => a - b).map(([index, bytes]) => ({ index, bytes }));
  const hashes = await tree();
  const { size } = hashes;
  const path = siblings(
    { size, hashes },
    leaves.map(({ index }) => index),
  );
  await proof.steps.pause();
  return { level, number, blocks: { leaves, hashes: path } };
}

function inMemory({ level, number }: SegmentId, source: BlockSource, tree: () => HashTree): Provable {
  const blocksRead = new Map<number, Uint8Array>();
  const reader = new SegmentReader({
    block: (block) => {
      const bytes = source.block(block);
      blocksRead.set(block, bytes);
      return bytes;
    },
    locate: (term) => source.locate(term),
  });
  const session: SegmentSession = { read: (run) => Promise.resolve(run(reader)) };
  return { level, number, blocksRead, session, tree: () => Promise.resolve(tree()) };
}

function tooLarge(): AuditError {
  const message = `The proof would have more than ${MAX_PROOF_BYTES} bytes: ask for fewer entries, or in a narrower window of time.`;
  return new AuditError("PROOF_TOO_LARGE", message);
}

/** Of an index that is not as large yet as what is asked of it. */
export function beingBuilt(): AuditError {
  const message = "The search index does not hold enough of the log yet to prove this: try again.";
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS, passing: "the index is being built" });
}
