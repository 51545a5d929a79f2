import { LRUCache } from "lru-cache";
import { AuditError } from "../../audit/errors.js";
import type { LogReads, StoredTile } from "../../audit/store.js";
import {
  placeOfNode,
  TILE_BYTES,
  tileIsSound,
  tileNode,
  foldSubtrees,
  perfectSubtrees,
  type TreeEdge,
  type TileId,
  type LeafRange,
  type NodeId,
} from "../../core/tree.js";
import type { LogFormat } from "../../core/format.js";
import { KeptTile } from "./kept-tile.js";

/** Whose tiles are read, and how they are hashed. */
export interface TileSource {
  readonly log: string;
  readonly store: LogReads;
  readonly format: LogFormat;
}

/** The default number of tiles kept in memory: 16 MiB. */
const KEPT_TILES = 1_024;

/**
 * Looks up a tree's inner hashes: in its right edge, in the tiles kept in memory, else in the store, in one read for
 * all. They are only stored hashes: callers prove them under the signed root, or call `doubt`.
 */
export class TileReader {
  readonly #tiles: LRUCache<number, KeptTile>;

  constructor(
    private readonly source: TileSource,
    keptTiles = KEPT_TILES,
  ) {
    this.#tiles = new LRUCache({ max: keptTiles });
  }

  /** Keeps a tile that was built here from hashes that lead to the signed root: the newest entries are read most. */
  keep({ id, bytes }: StoredTile): KeptTile {
    return this.#kept(id, KeptTile.proven(bytes));
  }

  /** Forgets a tile that does not lead to the signed root, so that it is read again once the store is repaired. */
  forget(id: TileId): void {
    this.#tiles.delete(tileKey(id));
  }

  /** The tile if it is in memory. */
  inMemory(id: TileId): KeptTile | undefined {
    return this.#tiles.get(tileKey(id));
  }

  /** Tiles by key, from memory or in one read of the store; undefined where one is missing or incomplete. */
  async stored(ids: readonly TileId[]): Promise<Map<number, KeptTile | undefined>> {
    const found = new Map(ids.map((id) => [tileKey(id), this.#tiles.get(tileKey(id))]));
    const missing = ids.filter((id) => found.get(tileKey(id)) === undefined);
    if (missing.length === 0) return found;
    const tiles = await this.source.store.tiles(this.source.log, missing);
    missing.forEach((id, place) => {
      const bytes = tiles[place];
      if (bytes?.length === TILE_BYTES) found.set(tileKey(id), this.#kept(id, new KeptTile(bytes)));
    });
    return found;
  }

  /**
   * The hashes of ranges that make up an edge's tree, in the order asked. At most one read of the store. Rejects with
   * LOG_CORRUPT when a tile is missing.
   */
  async hashes(edge: TreeEdge, ranges: readonly LeafRange[]): Promise<readonly Uint8Array[]> {
    const { distinct, places } = eachOnce(ranges);
    const subtrees = distinct.map(perfectSubtrees);
    const tiles = await this.#load(edge, subtrees.flat());
    const hashOf = (node: NodeId): Uint8Array => edge.node(node) ?? nodeIn(tiles, node);
    const { format } = this.source;
    const hashes = subtrees.map((nodes) => (nodes.length === 0 ? undefined : foldSubtrees(format, nodes.map(hashOf))));
    return places.map((place) => hashes[place] ?? format.emptyRoot);
  }

  /**
   * Call when hashes of these ranges turn out not to lead to the signed root: forgets the tiles that hold them, so that
   * they are read again once the store is repaired. Rejects with LOG_CORRUPT naming the first inconsistent tile;
   * resolves when each is consistent in itself.
   */
  async doubt(edge: TreeEdge, ranges: readonly LeafRange[]): Promise<void> {
    const needed = tilesBelow(edge, ranges.flatMap(perfectSubtrees));
    for (const key of needed.keys()) this.#tiles.delete(key);
    for (const { id, bytes } of await this.#read([...needed.values()])) {
      if (!tileIsSound(this.source.format, bytes))
        throw this.#damaged(id, "was changed: its hashes do not fit together");
    }
  }

  /** Every tile that holds one of the nodes and is not in the edge. */
  async #load(edge: TreeEdge, nodes: readonly NodeId[]): Promise<ReadonlyMap<number, Uint8Array>> {
    const needed = tilesBelow(edge, nodes);
    const known = new Map<number, Uint8Array>();
    const missing: TileId[] = [];
    for (const [key, id] of needed) {
      const tile = this.#tiles.get(key);
      if (tile === undefined) missing.push(id);
      else known.set(key, tile.bytes);
    }
    for (const { id, bytes } of await this.#read(missing)) {
      known.set(tileKey(id), this.#kept(id, new KeptTile(bytes)).bytes);
    }
    return known;
  }

  #kept(id: TileId, tile: KeptTile): KeptTile {
    this.#tiles.set(tileKey(id), tile);
    return tile;
  }

  async #read(ids: readonly TileId[]): Promise<readonly StoredTile[]> {
    if (ids.length === 0) return [];
    const { log, store } = this.source;
    const tiles = await store.tiles(log, ids);
    return ids.map((id, place) => ({ id, bytes: this.#whole(id, tiles[place]) }));
  }

  #whole(id: TileId, bytes: Uint8Array | undefined): Uint8Array {
    if (bytes?.length === TILE_BYTES) return bytes;
    throw this.#damaged(id, bytes === undefined ? "is missing" : `has ${bytes.length} bytes instead of ${TILE_BYTES}`);
  }

  #damaged({ level, index }: TileId, what: string): AuditError {
    return new AuditError("LOG_CORRUPT", `The log ${this.source.log} is damaged: tile ${level}/${index} ${what}.`);
  }
}

/** The tiles that hold the nodes, by key, without those in the edge. */
function tilesBelow(edge: TreeEdge, nodes: readonly NodeId[]): ReadonlyMap<number, TileId> {
  const tiles = new Map<number, TileId>();
  for (const node of nodes) {
    const { tile } = placeOfNode(node);
    if (edge.node(node) === undefined) tiles.set(tileKey(tile), tile);
  }
  return tiles;
}

function nodeIn(tiles: ReadonlyMap<number, Uint8Array>, node: NodeId): Uint8Array {
  const { tile, row, column } = placeOfNode(node);
  const bytes = tiles.get(tileKey(tile));
  if (bytes === undefined) throw new Error(`tile ${tile.level}/${tile.index} was not loaded`);
  return tileNode(bytes, row, column);
}

/** A number, which costs less than a text: a tree of 2^53 leaves has 2^45 tiles on its lowest level, and seven levels. */
export function tileKey({ level, index }: TileId): number {
  return level * 2 ** 45 + index;
}

/** Proofs of neighbors share most of their ranges: each is looked up once. With the place of each given one among them. */
function eachOnce(ranges: readonly LeafRange[]): { distinct: readonly LeafRange[]; places: readonly number[] } {
  const distinct: LeafRange[] = [];
  const known = new Map<number, Map<number, number>>(); // by start and end: a text of both costs as much as the rest
  const places = ranges.map((range) => {
    let ends = known.get(range.start);
    if (ends === undefined) known.set(range.start, (ends = new Map<number, number>()));
    let place = ends.get(range.end);
    if (place === undefined) ends.set(range.end, (place = distinct.push(range) - 1));
    return place;
  });
  return { distinct, places };
}
