import type { AppendBatch, RequestReceipt } from "../../audit/store.js";
import type { LogFormat } from "../../core/format.js";
import type { LogKey } from "../../keys/log-key.js";
import { stampEvent, type StampedEntry } from "../tree/leaf.js";
import type { SignedTree, TreeSource } from "../tree/signed-tree.js";
import type { Submission } from "./queue.js";
import { sealedReceipt } from "./seals.js";

/** A batch computed on top of a tree, and the tree that it gives if the store accepts it. */
export interface Growth {
  readonly batch: AppendBatch;
  readonly tree: SignedTree;
  readonly requests: readonly GrownRequest[];
}

/** A request of a batch, with its entries at their indexes. */
export interface GrownRequest {
  readonly submission: Submission;
  readonly firstIndex: number;
  readonly entries: readonly StampedEntry[];
}

type Grower = Pick<TreeSource, "log" | "format" | "key">;

/** Assigns leaf indexes after a tree to the requests, and computes and signs the new root. */
export function growTree(grower: Grower, tree: SignedTree, submissions: readonly Submission[]): Growth {
  const requests = placed(tree.edge.size, submissions, inTime(grower.format, tree.lastReceivedAt, submissions));
  const entries = requests.flatMap((request) => request.entries);
  const { edge, tiles } = tree.edge.append(entries.map(({ leafHash }) => leafHash));
  const receipts = requests.flatMap((request) => receiptsOf(grower.key, request, edge.size));
  const rootHash = edge.root();
  const checkpoint = grower.key.sign(edge.size, rootHash);
  const lastReceivedAt = entries.at(-1)?.receivedAt ?? tree.lastReceivedAt;
  const expected = { expectedSize: tree.edge.size, expectedRoot: tree.rootHash };
  return {
    batch: { log: grower.log, ...expected, entries, tiles, rootHash, checkpoint, receipts },
    tree: { edge, rootHash, checkpoint, lastReceivedAt },
    requests,
  };
}

/** Stamps requests again when another gateway's entries have later times: receivedAt never decreases along the log. */
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

function placed(
  size: number,
  submissions: readonly Submission[],
  stamped: readonly (readonly StampedEntry[])[],
): readonly GrownRequest[] {
  let nextIndex = size;
  return submissions.map((submission, place) => {
    const entries = stamped[place] ?? [];
    const firstIndex = nextIndex;
    nextIndex += entries.length;
    return { submission, firstIndex, entries };
  });
}

function receiptsOf(
  key: LogKey,
  { submission: { requestKey }, firstIndex, entries }: GrownRequest,
  treeSize: number,
): readonly RequestReceipt[] {
  return requestKey === undefined
    ? []
    : [sealedReceipt(key, { ...requestKey, firstIndex, count: entries.length, treeSize })];
}
