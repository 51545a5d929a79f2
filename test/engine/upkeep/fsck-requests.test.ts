import { beforeAll, expect, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import type { LogStore, RequestReceipt } from "../../../src/audit/store.js";
import { logFormat } from "../../../src/core/format.js";
import { sealedReceipt } from "../../../src/engine/log/seals.js";
import { restoreTree, type TreeSource } from "../../../src/engine/tree/signed-tree.js";
import { changedRequests } from "../../../src/engine/upkeep/fsck-requests.js";
import { keyringOfSeed } from "../../../src/keys/keyring.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import type { TreeEdge } from "../../../src/core/tree.js";
import { KEYRING } from "../../keyring.js";
import { textsIn } from "../../stores/batches.js";
import { messages, openTestService, ORIGIN } from "../test-log.js";

const name = `${ORIGIN}/default`;
const key = new LogKey(name, KEYRING, nodeEd25519());
const stranger = new LogKey(name, keyringOfSeed(new Uint8Array(32).fill(8)), nodeEd25519());
let source: TreeSource;
let receipt: RequestReceipt;
let edge: TreeEdge;

beforeAll(async () => {
  const store = new MemoryLogStore();
  source = { log: "default", store, format: logFormat("rfc6962", nodeSha256), key };
  const service = await openTestService({ store });
  const asked = { log: "default", sign: false, path: "events" } as const;
  await service.append({ ...asked, events: messages(2) });
  await service.append({ ...asked, events: messages(3, "keyed"), idempotencyKey: "key" });
  [receipt = nothing()] = await store.receiptsBehind("default", new Uint8Array(0), 9);
  const head = (await store.head("default")) ?? nothing();
  ({ edge } = await restoreTree(source, head));
});

/** The keys of the receipts that are found changed, where these are stored. */
async function changed(receipts: readonly RequestReceipt[], isLost = false): Promise<readonly string[]> {
  const shown = replaced<LogStore>(source.store, {
    receiptsBehind: (_, behind) => Promise.resolve(behind.length === 0 ? receipts : []),
  });
  const found: string[] = [];
  for await (const finding of changedRequests({ source: { ...source, store: shown }, edge: isLost ? undefined : edge }))
    if (finding.kind === "receipt-changed") found.push(finding.name);
  return found;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const unsealed = (changes: Partial<RequestReceipt> = {}): RequestReceipt => ({
  ...receipt,
  ...changes,
  seal: undefined,
});
const sealed = (changes: Partial<RequestReceipt> = {}, by = key): RequestReceipt =>
  sealedReceipt(by, { ...receipt, ...changes });

test("a receipt is sound as it was stored, and without its seal as long as its entries are those asked for", async () => {
  expect(receipt).toMatchObject({ firstIndex: 2, count: 3, treeSize: 5 });
  expect(await changed([receipt, unsealed(), sealed()])).toEqual([]);
});

test.each<[string, () => RequestReceipt]>([
  ["sealed by a stranger", () => sealed({}, stranger)],
  ["with another number of entries under its seal", () => ({ ...receipt, count: 2 })],
  ["with another tree under its seal", () => ({ ...receipt, treeSize: 6 })],
  ["with another seal", () => ({ ...receipt, seal: new Uint8Array(32) })],
  ["sealed, of a larger tree than the log's", () => sealed({ treeSize: 6 })],
  ["sealed, of no entries", () => sealed({ count: 0 })],
  ["without a seal, of other entries", () => unsealed({ firstIndex: 1 })],
  ["without a seal, of fewer", () => unsealed({ count: 2 })],
  ["without a seal, of another request", () => unsealed({ requestDigest: new Uint8Array(32) })],
  ["without a seal, of entries that are not there", () => unsealed({ firstIndex: 3 })],
])("a receipt is found changed that is %s", async (_, make) => {
  expect(await changed([receipt, make()])).toEqual([hex(receipt.key)]);
});

test("a receipt without a seal is found changed where one of its entries was", async () => {
  const { store } = source;
  const canonicals: LogStore["canonicals"] = async (...asked) =>
    textsIn(await store.canonicals(...asked))?.map((text) => text && `${text} `) ?? [];
  source = { ...source, store: replaced<LogStore>(store, { canonicals }) };
  expect(await changed([unsealed(), receipt])).toEqual([hex(receipt.key)]);
  source = { ...source, store };
});

test("of a log whose tree is lost, only seals tell", async () => {
  expect(await changed([sealed({ treeSize: 6 }), unsealed({ count: 2 }), unsealed()], true)).toEqual([]);
  expect(await changed([sealed({}, stranger)], true)).toEqual([hex(receipt.key)]);
});

test("every receipt is looked at, a thousand at a time", async () => {
  const many = Array.from({ length: 1_500 }, (_, place) => {
    const bytes = new Uint8Array(32);
    new DataView(bytes.buffer).setUint32(0, place);
    return sealedReceipt([699, 999, 1_399].includes(place) ? stranger : key, { ...receipt, key: bytes });
  });
  await source.store.keepReceipts("default", many);
  const found: string[] = [];
  for await (const finding of changedRequests({ source, edge }))
    if (finding.kind === "receipt-changed") found.push(finding.name);
  expect(found).toEqual([699, 999, 1_399].map((place) => hex(many[place]?.key ?? nothing())));
});

function nothing(): never {
  throw new Error("there is none");
}
