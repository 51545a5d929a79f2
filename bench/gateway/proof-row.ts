import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditService } from "../../src/audit/service.js";
import { MemoryRootCache } from "../../src/caches/memory/root-cache.js";
import { openLocalService } from "../../src/engine/local-service.js";
import { ephemeralKeyring } from "../../src/keys/keyring.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openStore } from "../../src/stores/index.js";
import { figure } from "../machine.js";
import type { Row } from "./table.js";
import { KEYRING } from "../../test/keyring.js";

const BULK = 1_000;
const PROOFS = 5_000;

/** Membership proofs of random entries one by one, made and verified in process; memory at 10^4 leaves and at the end. */
export async function proofRow(leaves: number): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), "auditql-proofs-"));
  const { log, index } = indexed(await openStore(`sqlite:${folder}/audit.db`), KEYRING);
  const service = await openLocalService({
    store: log,
    index,
    cache: new MemoryRootCache(),
    keyring: ephemeralKeyring(),
    origin: "bench",
    logs: [{ log: "default", format: "rfc6962" }],
  });
  try {
    await fill(service, 0, 10_000);
    await proofMs(service, 10_000);
    const small = heapMiB();
    await fill(service, 10_000, leaves);
    const ms = await proofMs(service, leaves);
    const large = heapMiB();
    return {
      what: `membership proof at ${figure(leaves)} leaves, verified`,
      measured: `${figure(ms)} ms; heap ${figure(small)} MiB at 10^4 leaves, ${figure(large)} MiB now`,
      bar: "0.2 ms, memory flat",
      isReached: ms < 0.2 && large < small + 32,
    };
  } finally {
    await service.close();
    await index.close();
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(service: AuditService, start: number, end: number): Promise<void> {
  for (let at = start; at < end; at += BULK) {
    const events = Array.from({ length: Math.min(BULK, end - at) }, (_, i) => ({
      event: { message: `event ${at + i}` },
    }));
    await service.append({ log: "default", events, sign: false, path: "events" });
  }
}

async function proofMs(service: AuditService, treeSize: number): Promise<number> {
  const began = performance.now();
  for (let i = 0; i < PROOFS; i++) {
    const leafIndex = Math.floor(Math.random() * treeSize);
    await service.membershipProofs({ log: "default", treeSize, leafIndexes: [leafIndex] });
  }
  return (performance.now() - began) / PROOFS;
}

/** What is alive on the heap and in buffers; exact when run with --expose-gc. */
function heapMiB(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}
