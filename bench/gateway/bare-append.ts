import { logFormat } from "../../src/core/format.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openStore } from "../../src/stores/index.js";
import { perSecond } from "../machine.js";
import { entryAt } from "../events.js";
import { KEYRING } from "../../test/keyring.js";

const BATCH = 1_000;
const FORMAT = logFormat("rfc6962");

/** Durable appends of ready-made entries to a fresh SQLite store in this process: no tree, no GraphQL. Events a second. */
export async function bareAppend(path: string, batches: number): Promise<number> {
  const { log, index } = indexed(await openStore(`sqlite:${path}`), KEYRING);
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
