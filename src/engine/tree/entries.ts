import { LRUCache } from "lru-cache";
import type { Entry, EntryOutcome } from "../../audit/service.js";
import { equalBytes, HASH_BYTES, utf8, digestOf } from "../../core/bytes.js";
import type { StoredText } from "../../audit/store.js";
import { logFormat, type LogFormat } from "../../core/format.js";
import {
  buildTile,
  placeOfNode,
  TILE_HEIGHT,
  TILE_WIDTH,
  type TreeEdge,
  type TileId,
  type NodeId,
} from "../../core/tree.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import type { KeptTile } from "./kept-tile.js";
import { AppendedEntries, type KnownEntry } from "./stamped-entry.js";
import { tileKey, TileReader, type TileSource } from "./tile-reader.js";

type Tiles = Map<number, KeptTile | undefined>;

/**
 * The leaves of a signed tree: each comes from the edge, whose root is signed, or from its tile once the hashes above
 * it lead there. Does not rely on what the rows say about themselves.
 */
export class BoundLeaves {
  /** Each node of a tile is hashed once, so to remember it would cost more than it saves. */
  readonly #format: LogFormat;

  constructor(
    private readonly source: TileSource,
    private readonly tiles: TileReader,
  ) {
    this.#format = logFormat(source.format.name, nodeSha256);
  }

  /**
   * The leaf hashes, in the order asked, each index below the edge's size; undefined where what is stored does not lead
   * to the tree. A damaged full tile is rebuilt from what lies below it.
   */
  async at(edge: TreeEdge, leafIndexes: readonly number[]): Promise<readonly (Uint8Array | undefined)[]> {
    const known = leafIndexes.map((index) => this.#known(edge, leafNode(index)));
    const unknown = leafIndexes.filter((_, place) => known[place] === undefined);
    if (unknown.length === 0) return known;
    const read = await this.#read(edge, unknown.map(leafNode));
    let next = 0;
    return known.map((hash) => hash ?? read[next++]);
  }

  /** A node whose tiles are in memory, and lead to the edge. */
  #known(edge: TreeEdge, node: NodeId): Uint8Array | undefined {
    const inEdge = edge.node(node);
    if (inEdge !== undefined) return inEdge;
    const { tile, column } = placeOfNode(node);
    return this.tiles.inMemory(tile)?.leaf(this.#format, column, () => this.#known(edge, topOf(tile)));
  }

  async #read(edge: TreeEdge, nodes: readonly NodeId[]): Promise<readonly (Uint8Array | undefined)[]> {
    const tiles: Tiles = await this.tiles.stored(tilesAbove(edge, nodes));
    const found = nodes.map((node) => this.#hash(edge, tiles, node));
    if (!found.includes(undefined)) return found;
    await this.#remake(
      edge,
      tiles,
      nodes.filter((_, place) => found[place] === undefined),
    );
    return nodes.map((node) => this.#hash(edge, tiles, node));
  }

  /** Nodes of a tile's lowest row: leaves, or tops of the tiles below. */
  #hash(edge: TreeEdge, tiles: Tiles, node: NodeId): Uint8Array | undefined {
    const inEdge = edge.node(node);
    if (inEdge !== undefined) return inEdge;
    const { tile, column } = placeOfNode(node);
    return tiles.get(tileKey(tile))?.leaf(this.#format, column, () => this.#hash(edge, tiles, topOf(tile)));
  }

  /** Highest first: a tile is proven by those above it. */
  async #remake(edge: TreeEdge, tiles: Tiles, nodes: readonly NodeId[]): Promise<void> {
    const highestFirst = tilesAbove(edge, nodes).sort((a, b) => b.level - a.level);
    for (const id of highestFirst) {
      const top = this.#hash(edge, tiles, topOf(id));
      const lowest = nodes.filter((node) => isBelow(node, id)).map((node) => atLevel(node, id.level * TILE_HEIGHT));
      const isSound = lowest.every((node) => this.#hash(edge, tiles, node) !== undefined);
      if (top === undefined || isSound) continue;
      const bytes = await remadeTile(this.source, id);
      const isIt = bytes !== undefined && equalBytes(bytes.subarray(-HASH_BYTES), top);
      if (isIt) tiles.set(tileKey(id), this.tiles.keep({ id, bytes }));
      else this.tiles.forget(id); // its proven part is used only this once
    }
  }
}

/**
 * A full tile, rebuilt from the texts of its entries or from the tops of the tiles below it; undefined if one is
 * missing.
 */
export async function remadeTile(source: TileSource, { level, index }: TileId): Promise<Uint8Array | undefined> {
  const below = Array.from({ length: TILE_WIDTH }, (_, column) => index * TILE_WIDTH + column);
  const row = level === 0 ? await textHashes(source, below) : await tops(source, level - 1, below);
  const whole = row.flatMap((hash) => (hash?.length === HASH_BYTES ? [hash] : []));
  return whole.length === TILE_WIDTH ? buildTile(source.format, whole) : undefined;
}

/** The leaf hashes of entries' texts, in the order asked; undefined where there is no such entry. */
export async function textHashes(
  { log, store, format }: TileSource,
  leafIndexes: readonly number[],
): Promise<readonly (Uint8Array | undefined)[]> {
  const texts = await store.canonicals(log, leafIndexes);
  return texts.map((text) => (text === undefined ? undefined : textHash(format, bytesOf(text))));
}

async function tops(
  { log, store }: TileSource,
  level: number,
  indexes: readonly number[],
): Promise<readonly (Uint8Array | undefined)[]> {
  const tiles = await store.tiles(
    log,
    indexes.map((index) => ({ level, index })),
  );
  return tiles.map((tile) => tile?.slice(-HASH_BYTES));
}

/** The leaf hash of an entry's text; undefined for a text that the format refuses, which cannot have been logged. */
export function textHash(format: LogFormat, canonical: Uint8Array): Uint8Array | undefined {
  try {
    return format.leafHash(canonical);
  } catch {
    return undefined;
  }
}

function leafNode(index: number): NodeId {
  return { level: 0, index };
}

/** A tile's top, as a node of the tile above it. */
function topOf({ level, index }: TileId): NodeId {
  return { level: (level + 1) * TILE_HEIGHT, index };
}

function atLevel({ level, index }: NodeId, above: number): NodeId {
  return { level: above, index: Math.floor(index / 2 ** (above - level)) };
}

function isBelow(node: NodeId, { level, index }: TileId): boolean {
  return atLevel(node, (level + 1) * TILE_HEIGHT).index === index;
}

/** The full tiles between nodes and the edge. */
function tilesAbove(edge: TreeEdge, nodes: readonly NodeId[]): TileId[] {
  const tiles = new Map<number, TileId>();
  for (const node of nodes) {
    for (let next = node; edge.node(next) === undefined;) {
      const { tile } = placeOfNode(next);
      tiles.set(tileKey(tile), tile);
      next = topOf(tile);
    }
  }
  return [...tiles.values()];
}

/** The maximum characters of canonical text; parsed and cut into words it takes about four times as much. */
const SEEN_CHARACTERS = 2 ** 23;
/** The characters that an entry counts for besides its text. */
const ENTRY_CHARACTERS = 100;

/** So many entries, at most, are known to have been shown once. */
const SHOWN_ONCE = 2 ** 14;

/**
 * Entries that were shown twice, each compared with its leaf of the signed tree: people look at the same pages again, and
 * a leaf never has another text. So what is changed in the store meanwhile is not shown; fsck finds it. An entry that is shown once
 * is not kept: most of what is paged through never comes again, and to keep it costs more than to read it.
 */
class SeenEntries {
  /** Which were shown once: in the slot of a leaf index's lowest bits the others, plus one. Another one may take its place. */
  #once: Uint32Array | undefined;
  readonly #seen = new LRUCache<number, KnownEntry>({
    maxSize: SEEN_CHARACTERS,
    sizeCalculation: ({ entry }) => ENTRY_CHARACTERS + entry.canonical.length,
  });

  get(leafIndex: number): KnownEntry | undefined {
    return this.#seen.get(leafIndex);
  }

  shown(entry: Entry, leaf: Uint8Array): void {
    const [slot, rest] = [entry.leafIndex % SHOWN_ONCE, 1 + Math.floor(entry.leafIndex / SHOWN_ONCE)];
    const once = (this.#once ??= new Uint32Array(SHOWN_ONCE));
    if (once[slot] === rest) this.#keep(entry, leaf);
    once[slot] = rest;
  }

  #keep(entry: Entry, leaf: Uint8Array): void {
    this.#seen.set(entry.leafIndex, { entry, leaf: Uint8Array.from(leaf) }); // a view would hold its whole tile
  }

  forget(leafIndex: number): void {
    this.#seen.delete(leafIndex);
  }
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether they are read to be shown, and may be shown again: then they stay in memory. Default false. */
  readonly isShown?: boolean;
}

/**
 * Reads entries of a signed tree. Each text is hashed and compared with the tree's leaf at its index, so nothing that
 * was changed in the store, hashes included, is shown as genuine.
 */
export class EntryReader {
  readonly #seen = new SeenEntries();

  constructor(
    private readonly source: TileSource,
    private readonly leaves = new BoundLeaves(source, new TileReader(source)),
    private readonly appended = new AppendedEntries(source),
  ) {}

  /**
   * Entries in the order asked, in one read; `missing` from the edge's size on, where the signed root covers nothing.
   * Rejects with the signal's reason once it aborts.
   */
  async read(
    leafIndexes: readonly number[],
    edge: TreeEdge,
    { signal, isShown = false }: ReadOptions = {},
  ): Promise<readonly EntryOutcome[]> {
    const covered = leafIndexes.filter((leafIndex) => leafIndex < edge.size);
    const seen = covered.map((leafIndex) => this.appended.get(leafIndex) ?? this.#seen.get(leafIndex));
    const unseen = covered.filter((_, place) => seen[place] === undefined);
    const [stored, leaves] = await Promise.all([
      unseen.length === 0 ? [] : this.source.store.canonicals(this.source.log, unseen, signal),
      this.leaves.at(edge, covered),
    ]);
    const stale = covered.filter((_, place) => isStale(seen[place], leaves[place]));
    if (stale.length > 0) {
      this.#forget(stale);
      return this.read(leafIndexes, edge, { signal, isShown });
    }
    let [place, row] = [0, 0];
    return leafIndexes.map((leafIndex): EntryOutcome => {
      if (leafIndex >= edge.size) return { kind: "missing" };
      const [known, leaf] = [seen[place], leaves[place]];
      place++;
      if (known !== undefined) return { kind: "entry", entry: known.entry };
      const outcome = this.#outcome(leafIndex, stored[row++], leaf);
      if (isShown && outcome.kind === "entry" && leaf !== undefined) this.#seen.shown(outcome.entry, leaf);
      return outcome;
    });
  }

  #forget(stale: readonly number[]): void {
    for (const leafIndex of stale) this.#seen.forget(leafIndex);
    this.appended.clear();
  }

  /** An entry of the signed tree that cannot be read is as corrupt as one that was changed. */
  #outcome(leafIndex: number, stored: StoredText | undefined, leaf: Uint8Array | undefined): EntryOutcome {
    const hash = stored === undefined ? undefined : textHash(this.source.format, bytesOf(stored));
    if (stored === undefined || leaf === undefined || hash === undefined || !equalBytes(hash, leaf)) {
      return { kind: "corrupt", leafIndex };
    }
    const canonical = textOf(stored);
    const envelope = this.source.format.read(canonical);
    if (envelope === undefined) return { kind: "corrupt", leafIndex };
    return { kind: "entry", entry: { log: this.source.log, leafIndex, hash: digestOf(leaf), canonical, envelope } };
  }
}

function bytesOf(text: StoredText): Uint8Array {
  return typeof text === "string" ? utf8(text) : text;
}

/** Its hash was compared, so bytes are the UTF-8 that was logged. A Buffer decodes in half the time of a TextDecoder. */
function textOf(text: StoredText): string {
  if (typeof text === "string") return text;
  const { buffer, byteOffset, byteLength } = text;
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}

/** Whether the tree is no longer the one that an entry was read from. */
function isStale(known: KnownEntry | undefined, leaf: Uint8Array | undefined): boolean {
  return known !== undefined && (leaf === undefined || !equalBytes(known.leaf, leaf));
}
