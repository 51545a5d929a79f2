import { digestBytes, equalBytes, parseDigest, utf8 } from "../core/bytes.js";
import { logFormat } from "../core/format.js";
import { isPlainObject } from "../core/json.js";
import type { SegmentId } from "../core/segment/format.js";
import { BASE_ENTRIES, dueBase, readRecord, type SegmentRecord } from "../core/segment/index-log.js";
import { KnownTree, rootBefore } from "../core/segment/known-tree.js";
import type { ProvenLeaves } from "../core/segment/proof-document.js";
import { isInTree, type SignedRoot } from "../core/segment/verify-answer.js";
import { nodeSha256 } from "../keys/node-crypto.js";
import { ask, patiently, type Gateway } from "./api.js";
import { CommandError, type Output } from "./output.js";
import { NotProvenError } from "./proven-search.js";

/** Some 100 KB of an answer. */
const PAGE = 512;
/** What names a segment of a level above lies as far behind it as one of its children is long. */
const KEPT_PAGES = 8;

const RECORDS = /* GraphQL */ `
  query IndexRecords($log: ID, $treeSize: AuditTreeSize!, $from: AuditTreeSize!, $first: Int!) {
    root(log: $log, treeSize: $treeSize) {
      index {
        treeSize
        records(from: $from, first: $first) {
          texts
          path
        }
      }
    }
  }
`;

const HASHING = logFormat("rfc6962", nodeSha256);

/** What the index log says of a segment; `unreadable` if its record is none. */
export type Signed = SegmentRecord | "unreadable";

/** The records of one signed index, as a gateway shows them, each proven under the root before it is used. */
export class SignedRecords {
  readonly #pages = new Map<number, ProvenLeaves>();

  constructor(
    private readonly gateway: Gateway,
    private readonly index: SignedRoot & { readonly log: string },
    private readonly note: Output["note"],
  ) {}

  /** Undefined where no record names the segment yet. Rejects with NotProvenError. */
  async of(id: SegmentId): Promise<Signed | undefined> {
    const base = dueBase(id);
    if (base >= this.index.treeSize) return undefined;
    const { leaves } = await this.#page(base);
    const bytes = leaves.find(({ index }) => index === base)?.bytes ?? new Uint8Array();
    return readRecord(base, bytes)?.find(({ level }) => level === id.level) ?? "unreadable";
  }

  /** The index's tree, as far as it is needed to show the record of a base. */
  async treeAt(base: number): Promise<KnownTree> {
    return KnownTree.of(HASHING, this.index.treeSize, await this.#page(base));
  }

  /** Rejects with NotProvenError unless the index extends one that the log signed before, of no more records. */
  async requireExtends({ treeSize, rootHash }: SignedRoot): Promise<void> {
    if (treeSize === 0) return;
    if (treeSize > this.index.treeSize)
      throw new CommandError(
        `the gateway has an index of ${this.index.treeSize} records, and ${treeSize} were audited before: it lags behind; try again, or another gateway`,
      );
    const isSame = treeSize === this.index.treeSize;
    const before = isSame
      ? this.index.rootHash
      : rootBefore(HASHING, this.index.treeSize, await this.#read(treeSize, PAGE));
    if (before !== undefined && equalBytes(before, rootHash)) return;
    throw new NotProvenError(
      `the index of ${this.index.treeSize} records does not begin with the ${treeSize} that were audited before: the log signed two indexes`,
    );
  }

  async #page(base: number): Promise<ProvenLeaves> {
    const from = base - (base % PAGE);
    const page = this.#pages.get(from) ?? (await this.#read(from, PAGE));
    this.#pages.delete(from);
    this.#pages.set(from, page);
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > KEPT_PAGES && oldest !== undefined) this.#pages.delete(oldest);
    return page;
  }

  async #read(from: number, first: number): Promise<ProvenLeaves> {
    const { log, treeSize } = this.index;
    // Of as many entries as the index speaks of, a gateway has no larger one.
    const variables = { log, treeSize: treeSize * BASE_ENTRIES, from, first };
    const { root } = await patiently(() => ask(this.gateway, { query: RECORDS, variables }), { note: this.note });
    const index = isPlainObject(root) ? root["index"] : undefined;
    if (!isPlainObject(index) || index["treeSize"] !== treeSize)
      throw new CommandError(`${this.gateway.url.href} has no index of ${treeSize} records any more: try again`);
    const page = leavesIn(index["records"], from);
    const count = Math.min(first, treeSize - from);
    if (page?.leaves.length !== count || !isInTree(page, this.index, HASHING))
      throw new NotProvenError(`the gateway's records from ${from} on are not in the index that the log signed`);
    return page;
  }
}

function leavesIn(page: unknown, from: number): ProvenLeaves | undefined {
  if (!isPlainObject(page)) return undefined;
  const { texts, path } = page;
  if (!isTexts(texts) || !isTexts(path)) return undefined;
  const hashes = path.map(parseDigest).filter((digest) => digest !== undefined);
  return {
    leaves: texts.map((text, place) => ({ index: from + place, bytes: utf8(text) })),
    hashes: hashes.map(digestBytes),
  };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}
