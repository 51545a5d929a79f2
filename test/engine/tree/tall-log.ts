import { replaced } from "../../../src/audit/calls.js";
import type { LogHead, LogStore, StoredEntry } from "../../../src/audit/store.js";
import { HASH_BYTES, utf8 } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import { buildTile, splitPoint, TILE_WIDTH, type LeafRange, type TileId } from "../../../src/core/tree.js";
import type { TreeSource } from "../../../src/engine/tree/signed-tree.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { canonicalsOf } from "./damaged-store.js";
import { KEYRING } from "../../keyring.js";
import { ORIGIN } from "../test-log.js";

const format = logFormat("rfc6962", nodeSha256);
const RECEIVED_AT = "2026-01-01T00:00:00.000000Z";
/** The leaves of a tile of the second level. */
export const TALL = TILE_WIDTH ** 2;
/** So many entries of a tile differ. */
const COLUMNS = 3;
/** Tiles are of three kinds, by turns of two; this one, of the second tile of the second level, is alone. */
const SPECIAL_TILE = 261;

const kindOf = (tile: number): number => (tile === SPECIAL_TILE ? 2 : tile % 2);
const texts = [0, 1, 2].map((kind) =>
  Array.from({ length: COLUMNS }, (_, column) =>
    format.canonicalText({ event: { message: `kind ${kind} column ${column}` }, received_at: RECEIVED_AT }),
  ),
);
const hashes = texts.map((row) => row.map((text) => format.leafHash(utf8(text))));
const leafRow = (kind: number): readonly Uint8Array[] =>
  Array.from({ length: TILE_WIDTH }, (_, column) => hashes[kind]?.[column % COLUMNS] ?? nothing());
const tileBytes = [0, 1, 2].map((kind) => buildTile(format, leafRow(kind)));
const topOf = (bytes: Uint8Array): Uint8Array => bytes.slice(-HASH_BYTES);

/** What a store shows otherwise than it was stored. */
export interface Damage {
  readonly tile?: (id: TileId, bytes: Uint8Array) => Uint8Array | undefined;
  readonly entry?: (entry: StoredEntry) => StoredEntry | undefined;
  readonly leafHashes?: (row: Uint8Array) => Uint8Array;
}

const AS_STORED: Required<Damage> = {
  tile: (_, bytes) => bytes,
  entry: (stored) => stored,
  leafHashes: (row) => row,
};

/** A log of which whole tiles are alike, so that trees of two levels of tiles cost next to nothing. */
export class TallLog {
  /** What was read. */
  readonly tiles: TileId[] = [];
  readonly ranges: LeafRange[] = [];
  readonly #upper = new Map<number, Uint8Array>();

  constructor(
    readonly size: number,
    private readonly damage: Damage = {},
  ) {}

  get source(): TreeSource {
    const key = new LogKey(`${ORIGIN}/default`, KEYRING, nodeEd25519());
    return { log: "default", store: this.#store(), format, key };
  }

  /** The signed head of the first `size` entries. */
  head(size = this.size): LogHead {
    const rootHash = this.root(size);
    const { log, key } = this.source;
    return {
      log,
      format: "rfc6962",
      size,
      rootHash,
      checkpoint: key.sign(size, rootHash),
      lastReceivedAt: RECEIVED_AT,
    };
  }

  root(size = this.size): Uint8Array {
    return size === 0 ? format.emptyRoot : this.hash({ start: 0, end: size });
  }

  /** RFC 9162, section 2.1.1, by tiles where they are whole. */
  hash({ start, end }: LeafRange): Uint8Array {
    const size = end - start;
    if (size === 1) return this.leaf(start);
    if (size === TILE_WIDTH && start % TILE_WIDTH === 0)
      return topOf(this.#tile({ level: 0, index: start / TILE_WIDTH }));
    if (size === TALL && start % TALL === 0) return topOf(this.#tile({ level: 1, index: start / TALL }));
    const split = start + splitPoint(size);
    return format.nodeHash(this.hash({ start, end: split }), this.hash({ start: split, end }));
  }

  leaf(leaf: number): Uint8Array {
    return hashes[kindOf(Math.floor(leaf / TILE_WIDTH))]?.[(leaf % TILE_WIDTH) % COLUMNS] ?? nothing();
  }

  entry(leafIndex: number): StoredEntry | undefined {
    if (leafIndex >= this.size) return undefined;
    const canonical = texts[kindOf(Math.floor(leafIndex / TILE_WIDTH))]?.[(leafIndex % TILE_WIDTH) % COLUMNS];
    return { leafIndex, canonical: canonical ?? nothing(), leafHash: this.leaf(leafIndex), receivedAt: RECEIVED_AT };
  }

  #tile({ level, index }: TileId): Uint8Array {
    if (level === 0) return tileBytes[kindOf(index)] ?? nothing();
    const known = this.#upper.get(index);
    if (known !== undefined) return known;
    const below = Array.from({ length: TILE_WIDTH }, (_, column) =>
      topOf(this.#tile({ level: 0, index: index * TILE_WIDTH + column })),
    );
    const made = buildTile(format, below);
    this.#upper.set(index, made);
    return made;
  }

  #store(): LogStore {
    const { tile, entry, leafHashes } = { ...AS_STORED, ...this.damage };
    const store: LogStore = replaced<LogStore>(new MemoryLogStore(), {
      snapshot: (look) => look(store),
      head: () => Promise.resolve(this.head()),
      entries: (_, leaves) =>
        Promise.resolve(
          leaves.map((leaf) => {
            const stored = this.entry(leaf);
            return stored && entry(stored);
          }),
        ),
      canonicals: (...asked) => canonicalsOf(store)(...asked),
      leafHashes: (_, range) => {
        this.ranges.push(range);
        const row = Array.from({ length: range.end - range.start }, (_leaf, place) => this.leaf(range.start + place));
        return Promise.resolve(leafHashes(Buffer.concat(row)));
      },
      tiles: (_, ids) => {
        this.tiles.push(...ids);
        const isFull = ({ level, index }: TileId): boolean => (index + 1) * TILE_WIDTH ** (level + 1) <= this.size;
        return Promise.resolve(ids.map((id) => (isFull(id) ? tile(id, this.#tile(id)) : undefined)));
      },
    });
    return store;
  }
}

function nothing(): never {
  throw new Error("there is none");
}
