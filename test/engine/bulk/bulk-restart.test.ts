import { afterAll, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../../src/audit/clock.js";
import type { BulkRequest } from "../../../src/audit/service.js";
import { openSqlite } from "../../../src/stores/sqlite/open.js";
import { checkEverything, KEYRING, openTestService, ORIGIN } from "../test-log.js";

const CHILD = fileURLToPath(new URL("./bulk-child.js", import.meta.url));
/** The lease of the gateway that was killed is over. */
const LATER_MICROS = 11_000_000;

const folder = await mkdtemp(join(tmpdir(), "auditql-bulk-"));
afterAll(() => rm(folder, { recursive: true }));

test("a request accepted by a gateway that was killed is logged by the next one, once", async () => {
  const path = join(folder, "audit.db");
  const id = await acceptedAndKilled(path);
  const now = systemClock();
  for (let start = 0; start < 2; start++) {
    const { log: store, index, bulkQueue } = await openSqlite(path);
    const service = await openTestService({ store, index, bulkQueue, clock: () => now() + LATER_MICROS });
    const done = await ended(() => service.bulkRequest(id));
    expect(done.kind === "done" && done.receipt.entries.map(({ leafIndex }) => leafIndex)).toEqual([0, 1]);
    expect(await checkEverything(store)).toEqual(["one", "two"]);
    await service.close();
    await index.close();
    await store.close();
  }
});

async function acceptedAndKilled(path: string): Promise<string> {
  const seed = Buffer.from(KEYRING.checkpointSeed).toString("hex");
  const child = spawn(process.execPath, [CHILD, path, ORIGIN, seed], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  let id = "";
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    id += chunk.toString();
    if (id.endsWith("\n")) child.kill("SIGKILL");
  }
  await exited;
  return id.trim();
}

async function ended(poll: () => Promise<BulkRequest | undefined>): Promise<BulkRequest> {
  for (let polls = 0; polls < 1_000; polls++) {
    const found = await poll();
    if (found === undefined) throw new Error("what was accepted is gone");
    if (found.kind !== "pending") return found;
    await sleep(10);
  }
  throw new Error("the request does not end");
}
