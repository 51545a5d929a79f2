import { beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { SegmentBlocks } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import type { LogStore } from "../../../src/audit/store.js";
import { logFormat } from "../../../src/core/format.js";
import { openIndexCheckpoint } from "../../../src/core/segment/index-log.js";
import { verifyFraudProof, type FraudVerdict } from "../../../src/core/segment/fraud-proof.js";
import { openCheckpoint, parseVerifierKey } from "../../../src/core/checkpoint.js";
import type { ProvenFraud } from "../../../src/engine/upkeep/fsck-fraud.js";
import { fsck, type FsckOptions, type FsckReport } from "../../../src/engine/upkeep/fsck.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import { KEYRING } from "../../keyring.js";
import { LOG } from "../search/completeness-contract.js";
import { lyingLog, type LyingLog } from "../search/lying-log.js";
import { ORIGIN } from "../test-log.js";

jest.setTimeout(300_000);

const format = logFormat("rfc6962", nodeSha256);
const key = new LogKey(`${ORIGIN}/${LOG}`, KEYRING, nodeEd25519());

let log: LyingLog;
beforeAll(async () => {
  log = await lyingLog(4_096 + 700, 4_096);
});

/** A check of a log that is stored with these segments. */
async function checked(
  of: LyingLog,
  lies: readonly SegmentBlocks[],
  { reads = {}, ...options }: Partial<FsckOptions> & { readonly reads?: Partial<LogStore> } = {},
): Promise<FsckReport> {
  const { service, index, blocks } = await of.open(...lies);
  await service.close();
  const before = await blocks.segments(LOG);
  const head = await of.store.log.head(LOG);
  if (head === undefined) throw new Error("no log");
  const source = { log: LOG, store: replaced(of.store.log, reads), format, key };
  const report = await fsck({ source, index, ed25519: nodeEd25519(), ...options }, head);
  await index.close();
  expect(await blocks.segments(LOG)).toEqual(before); // it changes nothing
  return report;
}

/** What a stranger says of it who has the log's key. */
function judged({ fraud }: { readonly fraud: ProvenFraud | undefined }): FraudVerdict | undefined {
  const verifier = parseVerifierKey(key.verifierKey, nodeEd25519());
  if (fraud === undefined || verifier === undefined) return undefined;
  const root = openCheckpoint(fraud.checkpoint, verifier);
  const index = openIndexCheckpoint(fraud.indexCheckpoint, verifier, nodeEd25519());
  if (root.kind !== "opened" || index.kind !== "opened") throw new Error("a checkpoint is not signed");
  return verifyFraudProof({ log: root, index, format, sha256: nodeSha256 }, fraud.proof);
}

const wrong = (level: number, number: number): FraudVerdict => ({
  ...{ kind: "FRAUD", wrong: "SEGMENT", segment: { level, number } },
});
const CHANGED = [{ kind: "segment-changed", level: 1, number: 0 }];

describe("a check of a log that signs a wrong index", () => {
  test("proves it by the segment of 4,096 entries, or of 256 where that is wrong too, in a whole check and in a sample", async () => {
    for (const options of [{}, { random: 1 }]) {
      const one = await checked(log, [await log.hiding(1_000)], options);
      expect([one.findings, judged(one)]).toEqual([CHANGED, wrong(1, 0)]);
      const both = await checked(log, [await log.hiding(1_000, { isBelow: true })], options);
      expect([both.findings, judged(both)]).toEqual([CHANGED, wrong(0, 3)]);
    }
  });

  test("proves nothing of an honest one, of a damaged block, and of a segment that no record names yet", async () => {
    expect(await checked(log, [])).toMatchObject({ findings: [], fraud: undefined });
    const [honest] = log.segments;
    if (honest === undefined) throw new Error("nothing is stored");
    const contents = honest.contents.map((block, place) => (place === 3 ? block.map((byte) => byte ^ 1) : block));
    expect(await checked(log, [{ ...honest, contents }])).toMatchObject({ findings: CHANGED, fraud: undefined });
    const young = await lyingLog(4_096 + 255, 4_096);
    expect(await checked(young, [await young.hiding(9)])).toMatchObject({ findings: CHANGED, fraud: undefined });
    const base = await checked(young, [await young.hiding(9, { isBelow: true })]);
    expect([base.findings, judged(base)]).toEqual([CHANGED, wrong(0, 0)]);
  });

  test("does not accuse a log of an index that its entries make, where one of them was changed since", async () => {
    const reads: Partial<LogStore> = {
      entries: async (name, leaves) =>
        (await log.store.log.entries(name, leaves)).map((entry) =>
          entry?.leafIndex === 7 ? { ...entry, canonical: entry.canonical.replace("logged", "lagged") } : entry,
        ),
    };
    const report = await checked(log, [await log.hiding(1_000)], { reads });
    expect(report.findings).toContainEqual({ kind: "entry-changed", leafIndex: 7 });
    expect(report.fraud).toBeUndefined();
  });
});
