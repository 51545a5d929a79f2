import type { TileId } from "../../core/tile.js";
import type { ReasonCode } from "../../core/verdict.js";

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
  /** The row says another time than the entry's hashed text. */
  | { readonly kind: "entry-time-changed"; readonly leafIndex: number }
  /** The row says another leaf hash than the signed tree has; the entry itself is the one that was logged. */
  | { readonly kind: "leaf-hash-changed"; readonly leafIndex: number }
  /** The head says another time than the last entry's. */
  | { readonly kind: "head-time-changed"; readonly lastReceivedAt: string }
  /** An entry lies behind the head: it was put back. */
  | { readonly kind: "head-behind"; readonly treeSize: number }
  /** Something is stored of a log that has no head: it was deleted, or what is stored was moved. */
  | { readonly kind: "head-missing" }
  /** A receipt under an idempotency key, or a bulk request, by its name in hex, is not as it was written. */
  | { readonly kind: "receipt-changed" | "bulk-changed"; readonly name: string }
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
    case "entry-time-changed":
      return `entry ${finding.leafIndex}: its row says another time than its hashed text`;
    case "leaf-hash-changed":
      return `entry ${finding.leafIndex}: its row says another leaf hash than the tree; the entry itself is genuine`;
    case "head-time-changed":
      return `head: says that the last entry was received at ${finding.lastReceivedAt}, which its text does not say`;
    case "head-behind":
      return `head: an entry is stored behind its size of ${finding.treeSize}; it was put back`;
    case "head-missing":
      return "head: missing, though something is stored of this log";
    case "receipt-changed":
      return `receipt ${finding.name}: not as it was written; the request is refused when it is sent again`;
    case "bulk-changed":
      return `bulk request ${finding.name}: not as it was accepted or ended, or of a version without seals; it is refused`;
    case "index-out-of-step":
      return `search index: holds ${finding.indexed} entries of ${finding.size}; delete it, it rebuilds itself`;
  }
}

function checkpointText(reason: ReasonCode): string {
  const text = `checkpoint: not this log's signature under its size and root (${reason})`;
  // Most often nothing is wrong but the check: it was told another key, or another origin, than the log's.
  return reason === "UNKNOWN_KEY" ? `${text}; were its key and its origin given?` : text;
}
