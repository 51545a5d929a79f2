import { equalBytes, utf8 } from "../core/bytes.js";
import { FORMAT_NAMES, logFormat, type LogFormat } from "../core/format.js";
import { BASE_ENTRIES } from "../core/segment/index-log.js";
import { hashesAround, KnownTree } from "../core/segment/known-tree.js";
import { multiproofRoot, type ProvenLeaf } from "../core/segment/multiproof.js";
import { MAX_PROOF_BYTES } from "../core/segment/proof-document.js";
import { leafHashOf, type SignedRoot } from "../core/segment/verify-answer.js";
import type { LeafRange } from "../core/tree.js";
import type { IndexedEntry } from "../core/words/entry-terms.js";
import { nodeSha256 } from "../keys/node-crypto.js";
import { NotProvenError } from "./proven-search.js";
import type { ShownEntries, ShownEntry } from "./shown-entries.js";

/** What is kept of the entries of one segment until the next one is read. */
class Kept {
  readonly leaves: ProvenLeaf[] = [];
  readonly texts = new Map<number, Uint8Array>();
  /** By base. */
  readonly #bytes = new Map<number, number>();

  /** More texts than a proof may hold are not kept: not of 256 entries. */
  add(index: number, { canonical, leafHash }: IndexedEntry): void {
    this.leaves.push({ index, hash: leafHash });
    const base = Math.floor(index / BASE_ENTRIES);
    const bytes = (this.#bytes.get(base) ?? 0) + canonical.length;
    this.#bytes.set(base, bytes);
    if (bytes <= MAX_PROOF_BYTES) this.texts.set(index, canonical);
  }
}

/** The entries that segments are made from: what is shown, as far as the log's signed tree has it. */
export class LoggedEntries {
  #format: LogFormat | undefined;
  #kept = new Kept();
  #around: readonly Uint8Array[] = [];

  constructor(
    private readonly shown: ShownEntries,
    private readonly root: SignedRoot,
  ) {}

  /** That of the log, which what was read has shown: nothing that is in a tree of one format is in one of another. */
  get format(): LogFormat {
    if (this.#format === undefined) throw new Error("no entry has been read");
    return this.#format;
  }

  /** The log's tree, to show entries of a range of what was read last; undefined where they are more than a proof may hold. */
  treeWith({ start, end }: LeafRange): KnownTree | undefined {
    const { leaves, texts } = this.#kept;
    for (let leaf = start; leaf < end; leaf++) if (!texts.has(leaf)) return undefined;
    return new KnownTree(this.format, { size: this.root.treeSize, leaves, hashes: this.#around }, texts);
  }

  /**
   * The entries of a segment, all of its leaves. Rejects with NotProvenError at its end if they are not those of the signed
   * tree: what was made of them until then counts for nothing.
   */
  async *of(range: LeafRange): AsyncGenerator<readonly IndexedEntry[]> {
    const kept = (this.#kept = new Kept());
    for await (const some of this.shown.read(range)) {
      const format = (this.#format ??= await this.#formatBy(some, range.start));
      yield some.map(({ leafIndex, canonical }) => {
        const bytes = utf8(canonical);
        const leafHash = leafHashOf(format, bytes);
        if (leafHash === undefined || leafIndex !== range.start + kept.leaves.length) throw notLogged(range);
        const entry = { canonical: bytes, leafHash };
        kept.add(leafIndex, entry);
        return entry;
      });
    }
    const around = hashesAround(range, this.root.treeSize, await this.shown.path(range.start));
    if (around === undefined || !this.#leads(this.format, kept.leaves, around)) throw notLogged(range);
    this.#around = around;
  }

  async #formatBy([first]: readonly ShownEntry[], start: number): Promise<LogFormat> {
    const bytes = utf8(first?.canonical ?? "");
    const one = { start, end: start + 1 };
    const path = hashesAround(one, this.root.treeSize, await this.shown.path(start)) ?? [];
    const format = FORMAT_NAMES.map((name) => logFormat(name, nodeSha256)).find((candidate) => {
      const hash = leafHashOf(candidate, bytes);
      return hash !== undefined && this.#leads(candidate, [{ index: start, hash }], path);
    });
    if (format === undefined) throw notLogged(one);
    return format;
  }

  #leads(format: LogFormat, leaves: readonly ProvenLeaf[], path: readonly Uint8Array[]): boolean {
    const found = multiproofRoot(format, { size: this.root.treeSize, leaves }, path);
    return found !== undefined && equalBytes(found, this.root.rootHash);
  }
}

function notLogged({ start, end }: LeafRange): NotProvenError {
  const which =
    end - start === 1 ? `entry ${start}, as it is shown, is` : `entries ${start} to ${end - 1}, as they are shown, are`;
  return new NotProvenError(`${which} not what the log's signed tree has there`);
}
