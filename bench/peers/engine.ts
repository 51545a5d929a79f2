import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MemoryRootCache } from "../../src/caches/memory/root-cache.js";
import { openLocalService } from "../../src/engine/local-service.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openStore } from "../../src/stores/index.js";
import { KEYRING } from "../../test/keyring.js";

/**
 * Usage: node build/bench/peers/engine.js <folder> <file of one event a line> <events a batch>
 * Does in this process what hypercore.mjs does: appends every line through our engine to an SQLite log, without GraphQL and
 * HTTP, then reads some at random; prints { appended, read } a second.
 */
const [folder = "", file = "", size = "1000"] = process.argv.slice(2);
const READS = 10_000;
const BATCH = Number(size);
const events = readFileSync(file, "utf8").trimEnd().split("\n");
const { log: store, index } = indexed(await openStore(`sqlite:${join(folder, "audit.db")}`), KEYRING);
const service = await openLocalService({
  ...{ store, index, cache: new MemoryRootCache(), keyring: KEYRING, origin: "bench.example" },
  logs: [{ log: "default", format: "rfc6962" }],
});
let began = performance.now();
for (let first = 0; first < events.length; first += BATCH) {
  const batch = events.slice(first, first + BATCH).map((text) => ({ event: JSON.parse(text) as unknown }));
  await service.append({ log: "default", events: batch, sign: false, path: "events" });
}
const appended = (events.length * 1_000) / (performance.now() - began);
began = performance.now();
for (let i = 0; i < READS; i++) await service.entries("default", [(i * 7_919) % events.length]);
const read = (READS * 1_000) / (performance.now() - began);
process.stdout.write(`${JSON.stringify({ appended, read })}\n`);
await service.close();
await index.close();
await store.close();
