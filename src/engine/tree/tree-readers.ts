import { AuditError } from "../../audit/errors.js";
import type { StoredTile } from "../../audit/store.js";
import type { TreeEdge } from "../../core/tree.js";
import { TimeBounds, type AskedTimes } from "./bound-times.js";
import { EntryReader } from "./entry-reader.js";
import { Prover } from "./prover.js";
import type { SignedTree, TreeView } from "./signed-tree.js";
import { TileReader } from "./tile-reader.js";

/** What a log is read and proven with. They keep what they have proven, of trees that extend each other. */
export class TreeReaders {
  #tiles: TileReader;
  #entries: EntryReader;
  #prover: Prover;
  #times = new TimeBounds();

  constructor(private readonly source: TreeView) {
    this.#tiles = new TileReader(source);
    this.#entries = new EntryReader(source, this.#tiles);
    this.#prover = new Prover(source, this.#tiles);
  }

  get entries(): EntryReader {
    return this.#entries;
  }

  get prover(): Prover {
    return this.#prover;
  }

  /** Keeps tiles that this process filled. */
  keep(full: readonly StoredTile[]): void {
    for (const tile of full) this.#tiles.keep(tile);
  }

  /** Forgets what was proven of earlier trees: this one need not extend them. */
  readFrom(tree: SignedTree): void {
    this.#tiles = new TileReader(this.source);
    this.#entries = new EntryReader(this.source, this.#tiles);
    this.#prover = new Prover(this.source, this.#tiles);
    this.#prover.trust(tree);
    this.#times = new TimeBounds();
  }

  /** Resolves and rejects as TimeBounds.firstAtOrAfter; `size` is at most the edge's. */
  firstAtOrAfter(asked: AskedTimes, edge: TreeEdge): Promise<readonly number[]> {
    return this.#times.firstAtOrAfter(asked, (leafIndexes) => this.receivedAt(leafIndexes, edge));
  }

  /** When entries of a tree were received, read in one go. Rejects ENTRY_CORRUPT when one was changed. */
  async receivedAt(leafIndexes: readonly number[], edge: TreeEdge): Promise<readonly string[]> {
    const outcomes = await this.#entries.read(leafIndexes, edge);
    return leafIndexes.map((leafIndex, place) => {
      const outcome = outcomes[place];
      if (outcome?.kind === "entry") return outcome.entry.envelope.received_at;
      const message = `Entry ${leafIndex} of the log ${this.source.log}, whose time is needed here, was changed.`;
      throw new AuditError("ENTRY_CORRUPT", message);
    });
  }
}
