import type { TileId } from "../../core/tree.js";
import type { ReasonCode } from "../../core/verdict.js";

/** A fault found by a check of a whole log. */
export type Finding =
  /** No entry is stored at an index below the head's size. Nothing after it can be derived. */
  | { readonly kind: "entry-missing"; readonly leafIndex: number }
  /** The stored bytes do not hash to the stored leaf hash. */
  | { readonly kind: "entry-changed"; readonly leafIndex: number }
  /** The stored bytes are not an envelope in canonical form. */
  | { readonly kind: "entry-malformed"; readonly leafIndex: number }
  /** Received before the previous entry. */
  | { readonly kind: "entry-out-of-time"; readonly leafIndex: number }
  /** The author's signature in the envelope does not verify. */
  | { readonly kind: "signature-invalid"; readonly leafIndex: number; readonly reason: ReasonCode }
  /** A full tile is missing, or its hashes do not follow from the entries. */
  | { readonly kind: "tile-missing" | "tile-changed"; readonly tile: TileId }
  /** The entries lead to another root than the head's. */
  | { readonly kind: "root-changed"; readonly treeSize: number }
  /** The head's checkpoint is not the log's signature over its size and root. */
  | { readonly kind: "checkpoint-invalid"; readonly reason: ReasonCode }
  /** A root that this log signed earlier is not a prefix of what is stored. */
  | { readonly kind: "history-changed"; readonly treeSize: number }
  /** The row has another time than the entry's hashed text. */
  | { readonly kind: "entry-time-changed"; readonly leafIndex: number }
  /** The row has another leaf hash than the signed tree; the entry itself is the one that was logged. */
  | { readonly kind: "leaf-hash-changed"; readonly leafIndex: number }
  /** The head has another time than the last entry. */
  | { readonly kind: "head-time-changed"; readonly lastReceivedAt: string }
  /** An entry lies beyond the head, which was put back. */
  | { readonly kind: "head-behind"; readonly treeSize: number }
  /** Data is stored of a log without a head: the head was deleted, or the data was moved. */
  | { readonly kind: "head-missing" }
  /** A receipt under an idempotency key, by that key's hash in hex, was changed. */
  | { readonly kind: "receipt-changed"; readonly name: string }
  /** A stored segment of the search index is damaged, or is not what the entries give. */
  | { readonly kind: "segment-changed"; readonly level: number; readonly number: number };

/** A finding as a line for an operator. */
export function findingText(finding: Finding): string {
  switch (finding.kind) {
    case "entry-missing":
      return `entry ${finding.leafIndex}: missing; nothing after it can be checked`;
    case "entry-changed":
      return `entry ${finding.leafIndex}: its stored bytes do not hash to its leaf`;
    case "entry-malformed":
      return `entry ${finding.leafIndex}: its stored bytes are not a canonical envelope`;
    case "entry-out-of-time":
      return `entry ${finding.leafIndex}: received before the previous entry`;
    case "signature-invalid":
      return `entry ${finding.leafIndex}: its author's signature does not verify (${finding.reason})`;
    case "tile-missing":
      return `tile ${finding.tile.level}/${finding.tile.index}: missing`;
    case "tile-changed":
      return `tile ${finding.tile.level}/${finding.tile.index}: its hashes do not follow from its entries`;
    case "root-changed":
      return `root of size ${finding.treeSize}: the stored entries lead to another root`;
    case "checkpoint-invalid":
      return checkpointText(finding.reason);
    case "history-changed":
      return `root of size ${finding.treeSize}: signed and verified before, but no longer a prefix of the log`;
    case "entry-time-changed":
      return `entry ${finding.leafIndex}: its row has another time than its hashed text`;
    case "leaf-hash-changed":
      return `entry ${finding.leafIndex}: its row has another leaf hash than the tree; the entry itself is genuine`;
    case "head-time-changed":
      return `head: its time of the last entry, ${finding.lastReceivedAt}, is not the one in that entry's text`;
    case "head-behind":
      return `head: an entry is stored beyond its size of ${finding.treeSize}; the head was put back`;
    case "head-missing":
      return "head: missing, but other data of this log is stored";
    case "receipt-changed":
      return `receipt ${finding.name}: changed since it was written; the request is refused when it is repeated`;
    case "segment-changed":
      return `search index: segment ${finding.level}/${finding.number} is not what the entries give; delete the index, and it is rebuilt`;
  }
}

function checkpointText(reason: ReasonCode): string {
  const text = `checkpoint: not this log's signature over its size and root (${reason})`;
  // Usually the check itself is at fault: it was given another key or origin than the log's.
  return reason === "UNKNOWN_KEY" ? `${text}; check that the key and the origin are the log's` : text;
}
