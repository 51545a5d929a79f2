import { once } from "node:events";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { openLocalService } from "../../../src/engine/local-service.js";
import { keyringOfSeed } from "../../../src/keys/keyring.js";
import { openSqlite } from "../../../src/stores/sqlite/open.js";

/** Accepts a bulk request on the SQLite log of its arguments, says its id, and never gets to log it. */
const [, , path = "", origin = "", seed = ""] = process.argv;
const { log: store, index, bulkQueue } = await openSqlite(path);
store.append = () => new Promise(() => undefined);
const service = await openLocalService({
  ...{ store, index, bulkQueue, cache: new MemoryRootCache(), origin },
  keyring: keyringOfSeed(new Uint8Array(Buffer.from(seed, "hex"))),
  logs: [{ log: "default", format: "rfc6962" }],
});
const events = ["one", "two"].map((message) => ({ event: { message } }));
const { id } = await service.appendLater({ log: "default", events, sign: false, path: "events" });
process.stdout.write(`${id}\n`);
await once(process, "never");
