/** Levels in one tile: a tile at tile level L holds nodes of levels 8L to 8L+8. */
export const TILE_HEIGHT = 8;
/** Nodes in a full tile's lowest row. */
export const TILE_WIDTH = 256;

/** The index-th tile of a tile level, each tile 256 nodes wide: it covers the nodes (8 * level, 256 * index …). */
export interface TileId {
  readonly level: number;
  readonly index: number;
}
