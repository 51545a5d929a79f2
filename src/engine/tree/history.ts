import { AuditError, endsLog } from "../../audit/errors.js";
import { digestOf, equalBytes } from "../../core/bytes.js";
import { Prover } from "./prover.js";
import type { SignedTree, TreeSource, TreeView } from "./signed-tree.js";
import { TileReader } from "./tile-reader.js";

/** A root signed by the log's key. */
export interface SignedRoot {
  readonly treeSize: number;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
}

/**
 * Why a signed root is required: another gateway published it, this process had that tree, or it is a second one of its
 * size.
 */
type Origin = "published" | "known" | "rival";

export interface HistoryOptions {
  readonly source: TreeSource;
  /**
   * How long a store that is not a standby may be shorter than a signed root before its entries count as lost. Default
   * 5,000.
   */
  readonly patienceMs: number | undefined;
  /** Called once when the log cannot be trusted any more. */
  readonly onBroken: (error: AuditError) => void;
  /** Called when it is proven that the log can be trusted again. */
  readonly onMended: () => void;
}

const PATIENCE_MS = 5_000;
const RETRY_AFTER_MS = 1_000;
/** How often the store is read while it is behind what was signed. */
const BEHIND_LOOK_MS = 1_000;
/** How often a log that cannot be trusted is read again, which takes a few megabytes for a large one. */
const BROKEN_LOOK_MS = 5_000;

const WAY_OUT =
  "Nothing is written until the store holds the newest data again, or a new log takes over: " +
  "see ROOT_CONFLICT in docs/operating.md.";

/**
 * Keeps a log from getting a second history, and decides every ROOT_CONFLICT. It holds the signed roots that the store does not lead to, or does not lead to
 * yet: until it leads to each of them, nothing is signed.
 *
 * A store that is shorter than a signed root is behind. That is the ordinary state of a standby. Any other may be so for the
 * moment in which a pooler changes servers; when it stays so, entries are lost: ROOT_CONFLICT. No time and no restart mends
 * that, only a proof: the tree is read from the store as a whole, and every one of the roots is a prefix of it.
 */
export class History {
  #required: ReadonlyMap<Origin, SignedRoot> = new Map();
  #broken: AuditError | undefined;
  /** On the monotonic clock; undefined while the store may be behind. */
  #behindSinceMs: number | undefined;
  /** Set from the plan of a look to its end. */
  #isLooking = false;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  #look: () => Promise<void> = () => Promise.resolve();

  constructor(private readonly options: HistoryOptions) {}

  /** `look` reads the newest tree and calls `assess`. It rejects when that cannot be done, or finds that the log cannot be trusted. */
  lookBy(look: () => Promise<void>): void {
    this.#look = look;
  }

  /** Whether the store holds everything signed, as far as this process knows, so that the log may be written. */
  get isClear(): boolean {
    return this.isTrusted && this.#required.size === 0;
  }

  /** False while the log contradicts itself or what was signed. A log that is only behind can be trusted. */
  get isTrusted(): boolean {
    return this.#broken === undefined;
  }

  /** Why the log may not be written: it cannot be trusted, or its store is behind. */
  get obstacle(): AuditError | undefined {
    return this.#broken ?? (this.#required.size > 0 ? this.behind() : undefined);
  }

  /** The size of the largest signed root that the store does not lead to yet; 0 when there is none. */
  get requiredSize(): number {
    return Math.max(0, ...[...this.#required.values()].map(({ treeSize }) => treeSize));
  }

  /** Throws LOG_CORRUPT or ROOT_CONFLICT while the log cannot be trusted. */
  requireTrusted(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  /** Throws like requireTrusted, and UNAVAILABLE while the store is behind. */
  requireWritable(): void {
    this.requireTrusted();
    if (this.#required.size > 0) throw this.behind();
  }

  /** UNAVAILABLE: the store has not reached a signed root yet. */
  behind(): AuditError {
    const message = `The store is behind the log ${this.#log}: a signed root has size ${this.requiredSize}. Try again.`;
    return new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS });
  }

  /**
   * Requires a root: nothing is written before `assess` finds that the log leads to it. Of published roots, only the
   * newest counts.
   */
  require(origin: Origin, root: SignedRoot): void {
    const known = this.#required.get(origin);
    if (known !== undefined && (origin !== "published" || root.treeSize <= known.treeSize)) return;
    this.#required = new Map(this.#required).set(origin, root);
    this.#lookLater();
  }

  /**
   * Requires a root that other gateways published, unless the tree leads to it: then pending writes need not wait.
   * Rejects when the store does not answer.
   */
  async follow(published: SignedRoot, tree: SignedTree | undefined): Promise<void> {
    try {
      if (this.isClear && tree !== undefined && (await this.#seemsToLeadTo(tree, published))) return;
      this.require("published", published);
      await this.#look();
    } catch (error) {
      if (!endsLog(error)) throw error;
      this.breakWith(error);
    }
  }

  /**
   * Marks the log as untrusted for the given reason until `assess` proves otherwise; `rival` is a second root of one
   * size.
   */
  breakWith(error: AuditError, rival?: SignedRoot): void {
    if (rival !== undefined) this.require("rival", rival);
    if (this.#broken !== undefined) return;
    this.#broken = error;
    this.options.onBroken(error);
    this.#lookLater();
  }

  /**
   * Compares the required roots with a tree: one that extends the last, or, while the log is not trusted, one that was
   * read from the store as a whole. `view` is where it was read, in one snapshot. The other members report the result.
   * Rejects when the store does not answer.
   */
  async assess(tree: SignedTree, view: TreeView): Promise<void> {
    let judged: ReadonlyMap<Origin, SignedRoot>;
    do {
      judged = this.#required;
      let isBehind = false;
      for (const root of judged.values()) {
        if (root.treeSize > tree.edge.size) isBehind = true;
        else if (!(await leadsToRoot(view, tree, root))) {
          this.breakWith(this.#conflict(`has two signed roots of size ${root.treeSize}`));
          return;
        }
      }
      if (isBehind) {
        await this.#lag(tree, view);
        return;
      }
    } while (judged !== this.#required);
    this.#clear();
  }

  /** Throws ROOT_CONFLICT, and stops trusting the log, when a signed root is not the root of its size. */
  requireSame(root: SignedRoot, rootHash: Uint8Array): void {
    if (equalBytes(root.rootHash, rootHash)) return;
    const hashes = `${digestOf(rootHash)} and ${digestOf(root.rootHash)}`;
    const error = this.#conflict(`has two signed roots of size ${root.treeSize}: ${hashes}`);
    this.breakWith(error, root);
    throw error;
  }

  /**
   * ROOT_CONFLICT: what is stored is consistent in itself but does not extend a published tree, like a backup that was
   * written to.
   */
  diverged(newSize: number, { edge }: SignedTree): AuditError {
    return this.#conflict(`has a signed root of size ${newSize} that does not extend that of size ${edge.size}`);
  }

  /** Stops reading the store on its own. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #lookLater(): void {
    if (this.#isLooking || this.isClear || this.#isClosed) return;
    this.#isLooking = true;
    this.#timer = setTimeout(() => void this.#lookNow(), this.isTrusted ? BEHIND_LOOK_MS : BROKEN_LOOK_MS).unref();
  }

  async #lookNow(): Promise<void> {
    if (!this.isClear) await this.#look().catch(ignore);
    this.#isLooking = false;
    this.#lookLater();
  }

  /** A negative result proves nothing: the store may be another server than the one that the tree was read from. */
  async #seemsToLeadTo(tree: SignedTree, root: SignedRoot): Promise<boolean> {
    if (root.treeSize > tree.edge.size) return false;
    return leadsToRoot(this.options.source, tree, root).catch((error: unknown) => {
      if (endsLog(error)) return false;
      throw error;
    });
  }

  async #lag(tree: SignedTree, { store }: TreeView): Promise<void> {
    const { patienceMs = PATIENCE_MS } = this.options;
    if (await store.isStandby()) {
      this.#behindSinceMs = undefined;
      return;
    }
    this.#behindSinceMs ??= performance.now();
    if (performance.now() - this.#behindSinceMs < patienceMs) return;
    this.breakWith(this.#conflict(`has ${tree.edge.size} entries, and a signed root of size ${this.requiredSize}`));
  }

  #conflict(sentence: string): AuditError {
    return new AuditError("ROOT_CONFLICT", `The log ${this.#log} ${sentence}. ${WAY_OUT}`);
  }

  get #log(): string {
    return this.options.source.log;
  }

  #clear(): void {
    const wasBroken = this.#broken !== undefined;
    this.#required = new Map();
    this.#broken = undefined;
    this.#behindSinceMs = undefined;
    if (wasBroken) this.options.onMended();
  }
}

/** Whether a tree, at least as large, leads to a root according to the store alone, without our caches. */
async function leadsToRoot(view: TreeView, tree: SignedTree, { treeSize, rootHash }: SignedRoot): Promise<boolean> {
  return equalBytes(await new Prover(view, new TileReader(view)).rootHash(tree, treeSize), rootHash);
}

function ignore(): void {
  // A failed look is repeated later.
}
