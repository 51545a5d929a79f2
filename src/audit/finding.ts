import type { TileId } from "../core/tile.js";
import type { ReasonCode } from "../core/verdict.js";

/** Something that a check of a whole log found wrong. */
export type Finding =
  /** No entry is stored at an index below the head's size. Nothing behind it can be derived. */
  | { readonly kind: "entry-missing"; readonly leafIndex: number }
  /** The stored bytes do not hash to the stored leaf hash. */
  | { readonly kind: "entry-changed"; readonly leafIndex: number }
  /** The stored bytes are no envelope in its canonical form. */
  | { readonly kind: "entry-malformed"; readonly leafIndex: number }
  /** Received before the entry before it. */
  | { readonly kind: "entry-out-of-time"; readonly leafIndex: number }
  /** The author's signature in the envelope does not verify. */
  | { readonly kind: "signature-invalid"; readonly leafIndex: number; readonly reason: ReasonCode }
  /** A full tile is missing, or holds other hashes than the entries give. */
  | { readonly kind: "tile-missing" | "tile-changed"; readonly tile: TileId }
  /** The entries lead to another root than the head says. */
  | { readonly kind: "root-changed"; readonly treeSize: number }
  /** The head's checkpoint is not the log's signature under its size and root. */
  | { readonly kind: "checkpoint-invalid"; readonly reason: ReasonCode }
  /** A root this log has signed before is not a prefix of what is stored. */
  | { readonly kind: "history-changed"; readonly treeSize: number }
  /** The search index holds another number of entries than the log. */
  | { readonly kind: "index-out-of-step"; readonly indexed: number; readonly size: number };

/** A finding as a line for an operator. */
export function findingText(finding: Finding): string {
  switch (finding.kind) {
    case "entry-missing":
      return `entry ${finding.leafIndex}: missing; nothing behind it can be checked`;
    case "entry-changed":
      return `entry ${finding.leafIndex}: its stored bytes do not hash to its leaf`;
    case "entry-malformed":
      return `entry ${finding.leafIndex}: its stored bytes are no canonical envelope`;
    case "entry-out-of-time":
      return `entry ${finding.leafIndex}: received before the entry before it`;
    case "signature-invalid":
      return `entry ${finding.leafIndex}: its author's signature does not verify (${finding.reason})`;
    case "tile-missing":
      return `tile ${finding.tile.level}/${finding.tile.index}: missing`;
    case "tile-changed":
      return `tile ${finding.tile.level}/${finding.tile.index}: holds other hashes than its entries give`;
    case "root-changed":
      return `root of size ${finding.treeSize}: the stored entries lead to another root`;
    case "checkpoint-invalid":
      return checkpointText(finding.reason);
    case "history-changed":
      return `root of size ${finding.treeSize}: signed and found sound before, no longer a prefix of the log`;
    case "index-out-of-step":
      return `search index: holds ${finding.indexed} entries of ${finding.size}; delete it, it rebuilds itself`;
  }
}

function checkpointText(reason: ReasonCode): string {
  const text = `checkpoint: not this log's signature under its size and root (${reason})`;
  // Most often nothing is wrong but the check: it was told another key, or another origin, than the log's.
  return reason === "UNKNOWN_KEY" ? `${text}; were its key and its origin given?` : text;
}
