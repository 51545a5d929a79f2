import { deadline, unlessAborted } from "../../audit/calls.js";
import type { Entry, Logged, Root } from "../../audit/service.js";
import { digestBytes, digestOf } from "../../core/bytes.js";
import type { LogFormat } from "../../core/format.js";
import { Frontier } from "./frontier.js";
import type { ShownEntries } from "./shown.js";

/** A logged event as it was read from its receipt. */
type ReadEvent = Pick<Entry, "hash" | "canonical" | "envelope">;

export interface PlacesOptions {
  readonly log: string;
  readonly format: LogFormat;
  readonly shown: ShownEntries;
  /** The root of a size that the service has published. */
  readonly published: (treeSize: number) => Promise<Root>;
  /** The root of a size that an entry was shown in. */
  readonly rootOf: (treeSize: number) => Promise<Root>;
  /** Searches for logged events: the entries in the order given, each shown with its proof. */
  readonly search: (logged: readonly ReadEvent[], signal: AbortSignal | undefined) => Promise<readonly Entry[]>;
}

/** A service that others log to as well is asked for nothing in vain more than once in so many requests. */
const MOST_SKIPPED = 1_024;
/** Others wait for their turn meanwhile, and a search may find another way to the service. */
const PATIENCE_MS = 1_000;

/**
 * Finds where events are that were just logged, which the protocol's receipts do not say. While this gateway alone logs, that can be
 * proven: the published root of so many more leaves is the one that these leaves make of the tree that was seen last. What is not
 * proven so is searched for, which also shows the tree to go on from.
 */
export class Places {
  #frontier: Frontier | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** How many requests do not try to prove their place, and how many will not after the next failure. */
  #skipped = 0;
  #toSkip = 1;

  constructor(private readonly options: PlacesOptions) {}

  /** Resolves with the entries in the order given, and a root that includes them. Rejects like `search`. */
  async find(logged: readonly ReadEvent[], signal: AbortSignal | undefined): Promise<Logged> {
    const proving = this.#last.then(() => this.#prove(logged));
    this.#last = proving.catch(() => undefined); // the caller gets the error
    return (await unlessAborted(proving, signal)) ?? this.#search(logged, signal);
  }

  async #prove(logged: readonly ReadEvent[]): Promise<Logged | undefined> {
    const before = this.#frontier;
    if (before === undefined || this.#skipped > 0) {
      this.#skipped = Math.max(0, this.#skipped - 1);
      return undefined;
    }
    const leaves = logged.map(({ hash }) => digestBytes(hash));
    const frontier = before.with(leaves);
    const root = await deadline(this.options.published(frontier.size), PATIENCE_MS).catch(unknownRoot);
    if (root?.hash !== digestOf(frontier.root)) {
      this.#frontier = undefined;
      this.#skipped = this.#toSkip;
      this.#toSkip = Math.min(2 * this.#toSkip, MOST_SKIPPED);
      return undefined;
    }
    this.#toSkip = 1;
    this.#frontier = frontier;
    const entries = logged.map((event, place) => this.#placed(event, before.size + place, frontier));
    return { entries, root };
  }

  #placed({ hash, canonical, envelope }: ReadEvent, leafIndex: number, frontier: Frontier): Entry {
    const { log, shown } = this.options;
    const entry: Entry = { log, leafIndex, hash, canonical, envelope, provenIn: frontier.size };
    const [leafHash, path] = [digestBytes(hash), frontier.path(leafIndex)];
    shown.add(entry, { leafIndex, treeSize: frontier.size, leafHash, rootHash: frontier.root, path });
    return entry;
  }

  async #search(logged: readonly ReadEvent[], signal: AbortSignal | undefined): Promise<Logged> {
    const { search, rootOf } = this.options;
    const entries = await search(logged, signal);
    const treeSize = Math.max(...entries.map(({ provenIn = 0 }) => provenIn));
    this.#learn(entries, treeSize);
    return { entries, root: await rootOf(treeSize) };
  }

  /** The proof of the tree's last leaf, if that is one of these and alone in it, has all that is needed to go on. */
  #learn(entries: readonly Entry[], treeSize: number): void {
    const { format, shown } = this.options;
    const last = shown.known(treeSize - 1);
    if (last?.provenIn !== treeSize || !entries.some(({ leafIndex }) => leafIndex === last.leafIndex)) return;
    const proof = shown.proof(treeSize, last.leafIndex, last.hash);
    if (proof !== undefined && treeSize > (this.#frontier?.size ?? 0)) this.#frontier = Frontier.behind(format, proof);
  }
}

/** Whatever the reason, the search comes next, and says what is wrong. */
function unknownRoot(): undefined {
  return undefined;
}
