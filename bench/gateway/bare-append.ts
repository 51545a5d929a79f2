import { logFormat } from "../../src/core/format.js";
import { utf8 } from "../../src/core/bytes.js";
import type { NewEntry } from "../../src/audit/store.js";
import { openStore } from "../../src/stores/index.js";
import { perSecond } from "../machine.js";
import { eventAt } from "./events.js";

const BATCH = 1_000;
const FORMAT = logFormat("rfc6962");

/** Durable appends of ready-made entries to a fresh SQLite store in this process: no tree, no GraphQL. Events a second. */
export async function bareAppend(path: string, batches: number): Promise<number> {
  const { log, index } = await openStore(`sqlite:${path}`);
  try {
    await log.createLog({
      log: "bare",
      format: "rfc6962",
      size: 0,
      rootHash: FORMAT.emptyRoot,
      checkpoint: "",
      lastReceivedAt: "2026-01-01T00:00:00.000000Z",
    });
    let ms = 0;
    for (let batch = 0; batch < batches; batch++) {
      const entries = Array.from({ length: BATCH }, (_, i) => entryAt(batch * BATCH + i));
      const began = performance.now();
      await log.append({
        log: "bare",
        expectedSize: batch * BATCH,
        entries,
        tiles: [],
        rootHash: FORMAT.emptyRoot,
        checkpoint: "",
      });
      ms += performance.now() - began;
    }
    return perSecond(batches * BATCH, ms);
  } finally {
    await index.close();
    await log.close();
  }
}

function entryAt(place: number): NewEntry {
  const receivedAt = "2026-01-01T00:00:00.000001Z";
  const { tenantId, message, ...rest } = eventAt(place);
  const event = { ...rest, message: String(message), tenant_id: String(tenantId) };
  const canonical = FORMAT.canonicalText({ event, received_at: receivedAt });
  return { canonical, leafHash: FORMAT.leafHash(utf8(canonical)), receivedAt };
}
