import type { LogFormat } from "../core/format.js";
import { stampEvent, type StampedEntry } from "./leaf.js";
import type { Submission } from "./queue.js";
import type { SignedTree, TreeSource } from "./signed-tree.js";
import type { AppendBatch } from "./store.js";

/** A batch worked out on top of a tree, and the tree it makes if the store takes it. */
export interface Growth {
  readonly batch: AppendBatch;
  readonly tree: SignedTree;
  /** Per request of the batch, its entries. */
  readonly requests: readonly (readonly StampedEntry[])[];
}

type Grower = Pick<TreeSource, "log" | "format" | "key">;

/** Gives the requests their leaf indexes after a tree, and computes and signs the new root. */
export function growTree(grower: Grower, tree: SignedTree, submissions: readonly Submission[]): Growth {
  const requests = inTime(grower.format, tree.lastReceivedAt, submissions);
  const entries = requests.flat();
  const { edge, tiles } = tree.edge.append(entries.map(({ leafHash }) => leafHash));
  const rootHash = edge.root();
  const checkpoint = grower.key.sign(edge.size, rootHash);
  const lastReceivedAt = entries.at(-1)?.receivedAt ?? tree.lastReceivedAt;
  return {
    batch: { log: grower.log, expectedSize: tree.edge.size, entries, tiles, rootHash, checkpoint },
    tree: { edge, rootHash, checkpoint, lastReceivedAt },
    requests,
  };
}

/** Stamps again what another gateway's newer entries have overtaken: receivedAt never decreases along the log. */
function inTime(
  format: LogFormat,
  lastReceivedAt: string,
  submissions: readonly Submission[],
): readonly (readonly StampedEntry[])[] {
  return submissions.map(({ events, entries }) => {
    const stamp = entries[0]?.receivedAt ?? lastReceivedAt;
    if (stamp >= lastReceivedAt) return entries;
    return events.map((event) => stampEvent(format, event, lastReceivedAt));
  });
}
