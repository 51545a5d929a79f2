import { parseDigest, digestBytes } from "../core/bytes.js";
import { EvidenceError, readEvidence, type Piece } from "../core/evidence/reader.js";
import { isPlainObject } from "../core/json.js";
import type { LeafRange } from "../core/tree.js";
import { AnswerTooLargeError, ApiError, ask, isBusy, patiently, type Gateway, type Members } from "./api.js";
import { CommandError, type Output } from "./output.js";
import { rootIn, type SignedRoot } from "./signed-root.js";
import { bytesOf } from "./verify-source.js";

/** An entry as it is shown by somebody who is not believed. */
export interface ShownEntry {
  readonly leafIndex: number;
  readonly canonical: string;
}

/** The entries of a log's tree of one size, as a gateway or a file shows them. */
export interface ShownEntries {
  /** Entries of a range, some at once, in their order. Ranges are asked for in the order of their leaves. */
  readonly read: (range: LeafRange) => AsyncIterable<readonly ShownEntry[]>;
  /** The hashes of the membership path of an entry; of a file, of the one that was read last as the first of a range. */
  readonly path: (leafIndex: number) => Promise<readonly Uint8Array[]>;
}

/** Most entries have some hundred bytes, a few a megabyte. */
const PAGE = 512;
const MAX_PAGE_BYTES = 2 ** 26;
const FILE_PAGE = 64;

const PINNED = /* GraphQL */ `
  query EveryEntry($log: ID) {
    pinned: search(query: "", log: $log, first: 0, orderBy: { field: RECEIVED_AT, direction: ASC }) {
      resultId
    }
  }
`;
const ENTRIES = /* GraphQL */ `
  query EntriesFrom($id: ID!, $offset: Int!, $first: Int!) {
    page: results(id: $id, offset: $offset, first: $first) {
      nodes {
        leafIndex
        canonical
      }
    }
  }
`;
const PATH = /* GraphQL */ `
  query PathOf($log: ID, $leafIndex: AuditLeafIndex!, $treeSize: AuditTreeSize!) {
    entry(log: $log, leafIndex: $leafIndex) {
      membershipProof(treeSize: $treeSize) {
        path
      }
    }
  }
`;

/** Reads entries from a gateway: those of a result that has all of them, in the order of the log. */
export class GatewayEntries implements ShownEntries {
  #pinned: string | undefined;
  #isPinUsed = false;
  #most = PAGE;

  constructor(
    private readonly gateway: Gateway,
    private readonly tree: { readonly log: string; readonly treeSize: number },
    private readonly note: Output["note"],
  ) {}

  async *read({ start, end }: LeafRange): AsyncGenerator<readonly ShownEntry[]> {
    for (let next = start; next < end;) {
      const shown = await this.#page(next, Math.min(this.#most, end - next));
      yield shown;
      next += shown.length;
    }
  }

  async path(leafIndex: number): Promise<readonly Uint8Array[]> {
    const { entry } = await this.#ask(PATH, { ...this.tree, leafIndex });
    const path = isPlainObject(entry) ? pathIn(entry["membershipProof"]) : undefined;
    if (path !== undefined) return path;
    throw new CommandError(`${this.gateway.url.href} answered without a proof of entry ${leafIndex}`);
  }

  async #page(offset: number, first: number): Promise<readonly ShownEntry[]> {
    try {
      const id = (this.#pinned ??= await this.#pin());
      const { page } = await this.#ask(ENTRIES, { id, offset, first });
      this.#isPinUsed = true;
      return entriesIn(page);
    } catch (error) {
      if (this.#isPinUsed && error instanceof ApiError && error.codes.includes("BAD_USER_INPUT")) {
        [this.#pinned, this.#isPinUsed] = [undefined, false]; // it has expired: another one begins with the same entries
        return this.#page(offset, first);
      }
      if (error instanceof AnswerTooLargeError && first > 1) {
        this.#most = Math.floor(first / 2);
        return this.#page(offset, this.#most);
      }
      throw error;
    }
  }

  async #pin(): Promise<string> {
    const { pinned } = await this.#ask(PINNED, { log: this.tree.log });
    const id = isPlainObject(pinned) ? pinned["resultId"] : undefined;
    if (typeof id === "string") return id;
    throw new CommandError(`${this.gateway.url.href} answered without a result`);
  }

  #ask(query: string, variables: Members): Promise<Members> {
    const call = (): Promise<Members> => ask(this.gateway, { query, variables, maxBytes: MAX_PAGE_BYTES });
    return patiently(call, { passes: isBusy, note: this.note });
  }
}

function entriesIn(page: unknown): readonly ShownEntry[] {
  const nodes = isPlainObject(page) ? page["nodes"] : undefined;
  const shown = (Array.isArray(nodes) ? nodes : []).map(shownIn).filter((entry) => entry !== undefined);
  if (shown.length > 0) return shown;
  throw new CommandError("the gateway answered without entries: the credential must see the whole log");
}

function shownIn(value: unknown): ShownEntry | undefined {
  if (!isPlainObject(value)) return undefined;
  const { leafIndex, canonical } = value;
  return typeof leafIndex === "number" && typeof canonical === "string" ? { leafIndex, canonical } : undefined;
}

function pathIn(proof: unknown): readonly Uint8Array[] | undefined {
  const path = isPlainObject(proof) ? proof["path"] : undefined;
  if (!Array.isArray(path)) return undefined;
  const digests = path.map((hash) => (typeof hash === "string" ? parseDigest(hash) : undefined));
  const read = digests.filter((digest) => digest !== undefined);
  return read.length === path.length ? read.map(digestBytes) : undefined;
}

/** Reads entries from a file of evidence in lines, as `auditql save` writes it of a whole log, from its beginning on. */
export class SavedEntries implements ShownEntries {
  #head: ReadonlyMap<string, unknown> = new Map();
  #root: SignedRoot | undefined;
  #first: Members = {};

  private constructor(private readonly pieces: AsyncGenerator<Piece>) {}

  /** Reads as far as the entries begin. Rejects with EvidenceError and CommandError. */
  static async open(file: string): Promise<SavedEntries> {
    const bar = { isTTY: false, write: () => true };
    const saved = new SavedEntries(readEvidence(await bytesOf(file, bar)));
    await saved.#readHead(file);
    return saved;
  }

  get origin(): unknown {
    return this.#head.get("origin");
  }

  /** The root that the entries lead to. */
  get root(): SignedRoot {
    if (this.#root === undefined) throw new EvidenceError("the file has no root");
    return this.#root;
  }

  async *read({ start, end }: LeafRange): AsyncGenerator<readonly ShownEntry[]> {
    let some: ShownEntry[] = [];
    for (let next = start; next < end; next++) {
      const item = await this.#entry(next);
      if (next === start) this.#first = item;
      some.push({ leafIndex: next, canonical: String(item["canonical"]) });
      if (some.length < FILE_PAGE && next + 1 < end) continue;
      yield some;
      some = [];
    }
  }

  path(leafIndex: number): Promise<readonly Uint8Array[]> {
    const path = this.#first["leafIndex"] === leafIndex ? pathIn(this.#first["membershipProof"]) : undefined;
    if (path !== undefined) return Promise.resolve(path);
    return Promise.reject(new EvidenceError(`entry ${leafIndex} of the file has no proof`));
  }

  async close(): Promise<void> {
    await this.pieces.return(undefined);
  }

  async #readHead(file: string): Promise<void> {
    const head = new Map<string, unknown>();
    for (;;) {
      const piece = await this.#piece();
      if (piece === undefined)
        throw new EvidenceError(`${file} is no evidence in lines, as \`auditql save\` writes it`);
      if (piece.kind === "lines") break;
      if (piece.kind === "member") head.set(piece.name, piece.value);
      if (piece.kind === "item" && piece.list === "roots") this.#root ??= rootIn(piece.value, file);
    }
    this.#head = head;
  }

  async #entry(leafIndex: number): Promise<Members> {
    for (;;) {
      const item = await this.#next();
      const at = item?.["leafIndex"];
      if (item !== undefined && at === leafIndex && typeof item["canonical"] === "string") return item;
      if (item !== undefined && typeof at === "number" && at < leafIndex) continue;
      throw new EvidenceError(`the file has no entry ${leafIndex}: it must have all, as \`auditql save\` writes them`);
    }
  }

  async #next(): Promise<Members | undefined> {
    const piece = await this.#piece();
    return piece?.kind === "item" ? piece.value : undefined;
  }

  async #piece(): Promise<Piece | undefined> {
    const next: IteratorResult<Piece, void> = await this.pieces.next();
    return next.done === true ? undefined : next.value;
  }
}
