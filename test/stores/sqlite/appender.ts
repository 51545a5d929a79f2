import { storedEntries } from "../../../src/engine/search/log-rows.js";
import { indexed } from "../../../src/engine/search/open-index.js";
import { openSqlite } from "../../../src/stores/sqlite/open.js";
import { EMPTY_HEAD, GrowingLog, LOG } from "./growing-log.js";
import { KEYRING } from "../../keyring.js";

/** Usage: node appender.js PATH. Appends for ever, with an index that follows, and prints the log's size after each append that was acknowledged. */
const store = indexed(await openSqlite(process.argv[2] ?? ""), KEYRING);
await store.log.createLog(EMPTY_HEAD);
store.index.follow(LOG, storedEntries(store.log, LOG));
const growing = new GrowingLog();
const stored = (await store.log.head(LOG))?.size ?? 0;
if (stored > 0) growing.next(stored);
for (;;) {
  const outcome = await store.log.append(growing.next(1 + (growing.size % 60)));
  if (outcome.kind === "conflict") throw new Error("nobody else appends");
  process.stdout.write(`${growing.size}\n`);
}
