import { sha256 } from "@noble/hashes/sha2.js";
import type { AppendBatch, LogHead, NewEntry, RequestReceipt, StoredText, StoredTile } from "../../src/audit/store.js";
import { utf8 } from "../../src/core/bytes.js";
import type { TileId } from "../../src/core/tree.js";

export const CREATED_AT = "2026-01-01T00:00:00.000000Z";

export const hashOf = (text: string): Uint8Array => sha256(utf8(text));

export function emptyHead(log: string, format: LogHead["format"] = "rfc6962"): LogHead {
  return { log, format, size: 0, rootHash: hashOf(""), checkpoint: `empty ${log}\n`, lastReceivedAt: CREATED_AT };
}

/** One microsecond after creation per `tick`. */
export function receivedAt(tick: number): string {
  return `2026-01-01T00:00:00.${String(tick).padStart(6, "0")}Z`;
}

export function entry(canonical: string, tick = 1): NewEntry {
  return { canonical, leafHash: hashOf(canonical), receivedAt: receivedAt(tick) };
}

export function tile(id: TileId): StoredTile {
  const bytes = new Uint8Array(511 * 32).fill(id.level * 16 + id.index + 1);
  return { id, bytes };
}

/** A batch whose root and checkpoint are told apart by the size they belong to. A store never looks into them. */
export function batch(log: string, expectedSize: number, entries: readonly NewEntry[]): AppendBatch {
  const size = expectedSize + entries.length;
  return { log, expectedSize, entries, tiles: [], rootHash: hashOf(`root ${size}`), checkpoint: `${log} at ${size}\n` };
}

/** The batch with the tiles that it fills. */
export const filling = (tiles: readonly StoredTile[], unfilled: AppendBatch): AppendBatch => ({ ...unfilled, tiles });

/** The receipt of a request of two entries. */
export function requestReceipt(key: string, firstIndex: number): RequestReceipt {
  return {
    key: hashOf(key),
    requestDigest: hashOf(`request of ${key}`),
    firstIndex,
    count: 2,
    treeSize: firstIndex + 2,
    seal: hashOf(`seal of ${key}`),
  };
}

/** The batch with the receipts of its requests. */
export const answering = (receipts: readonly RequestReceipt[], plain: AppendBatch): AppendBatch => ({
  ...plain,
  receipts,
});

/** Texts as they were read, whichever way the store has them. */
export function textsIn(
  found: readonly (StoredText | undefined)[] | undefined,
): readonly (string | undefined)[] | undefined {
  return found?.map((text) => (text instanceof Uint8Array ? Buffer.from(text).toString("utf8") : text));
}
