import type { AuditService, Entry, ResultPage, Root } from "../../src/audit/service.js";
import { digestOf } from "../../src/core/bytes.js";
import { logFormat } from "../../src/core/format.js";
import type { MembershipProof } from "../../src/core/proof.js";
import { VALID } from "../../src/core/verdict.js";
import { eventAt } from "../events.js";

const HASH = new Uint8Array(32).fill(7);
const RECEIVED_AT = "2026-01-01T00:00:00.000000Z";
const SIZE = 1_000_000;

const event = eventAt(1);
const root: Root = {
  log: "default",
  treeSize: SIZE,
  hash: digestOf(HASH),
  checkpoint: `localhost/auditql/default\n${SIZE}\n${"A".repeat(43)}=\n\n— localhost/auditql/default ${"A".repeat(92)}\n`,
  publishedAt: RECEIVED_AT,
};
const entry: Entry = {
  log: "default",
  leafIndex: SIZE - 1,
  hash: digestOf(HASH),
  canonical: JSON.stringify({ event, received_at: RECEIVED_AT }),
  envelope: { event, received_at: RECEIVED_AT },
};
const proof: MembershipProof = {
  leafIndex: SIZE - 1,
  treeSize: SIZE,
  leafHash: HASH,
  rootHash: HASH,
  path: Array.from({ length: 20 }, () => HASH),
};

const page: ResultPage = {
  result: {
    id: "A".repeat(120),
    log: "default",
    treeSize: SIZE,
    expiresAt: RECEIVED_AT,
    cursor: (position) => `${"A".repeat(120)}${position}`,
    matches: () => Promise.resolve(true),
    totalCount: () => Promise.resolve(SIZE),
    isTruncated: () => Promise.resolve(false),
    histogram: () => Promise.resolve({ buckets: [], otherCount: 0 }),
    facet: () => Promise.resolve({ values: [], distinctCount: 0, otherCount: 0, missingCount: SIZE }),
  },
  leafIndexes: Array.from({ length: 50 }, (_, position) => SIZE - 1 - position),
  firstPosition: 0,
  hasNextPage: true,
  hasPreviousPage: false,
};

function unused(): Promise<never> {
  return Promise.reject(new Error("the no-op service does not answer this"));
}

/** Answers of the right shape from memory, without a log behind them. */
export const noOpService: AuditService = {
  identity: () =>
    Promise.resolve({
      ...{ format: logFormat("rfc6962"), origin: "localhost/auditql/default" },
      verifierKey: "localhost/auditql/default+00000000+AA==",
    }),
  append: () => Promise.resolve({ entries: [entry], root, refused: [] }),
  root: () => Promise.resolve(root),
  membershipProofs: ({ leafIndexes }) => Promise.resolve(leafIndexes.map(() => proof)),
  membershipVerdicts: ({ leafIndexes }) => Promise.resolve(leafIndexes.map(() => VALID)),
  entries: (_, leafIndexes) => Promise.resolve(leafIndexes.map(() => ({ kind: "entry", entry }))),
  checkpointVerdict: () => Promise.resolve(VALID),
  consistency: () => Promise.resolve(VALID),
  search: () => Promise.resolve(page),
  results: unused,
  download: unused,
  tail: unused,
  appendLater: unused,
  bulkRequest: unused,
  entryByHash: unused,
  consistencyProof: unused,
  indexRoot: unused,
  indexRecords: unused,
  completeness: unused,
  close: () => Promise.resolve(),
};
