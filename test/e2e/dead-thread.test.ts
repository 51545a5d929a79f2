import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { gatewayFolder, removeFolder, startGateway } from "../gateway.js";
import { readEntries } from "./log-reader.js";
import { StoreClient } from "./store-client.js";

const LIMIT_MS = 120_000;
const PRELOADED = new URL("./doomed-threads.js", import.meta.url).href;

describe("a gateway on SQLite of which a thread ends by itself", () => {
  let folder: string;
  beforeEach(() => {
    folder = gatewayFolder();
  });
  afterEach(() => {
    removeFolder(folder);
  });

  test.each([
    ["log-writer", "exception", "Error: doomed"],
    ["log-reader", "exception", "Error: doomed"],
    ["block-reader", "exception", "Error: doomed"],
    ["block-writer", "exception", "Error: doomed"],
    ["log-reader", "exit", "it ended with code 7"],
    ["block-reader", "memory", "ERR_WORKER_OUT_OF_MEMORY"],
  ])(
    "(%s, by %s) says so in one line, ends with 1, and has all that it acknowledged when it is started again",
    async (thread, end, cause) => {
      const orders = join(folder, "doom");
      const env = { NODE_OPTIONS: `--import ${PRELOADED}`, AUDITQL_TEST_DOOM: orders, AUDITQL_LOG_LEVEL: "error" };
      const gateway = await startGateway({ folder, env });
      await new StoreClient(gateway.url).logUntilTaken();
      await readEntries(gateway.url); // the index's threads of a new log start with the first search
      writeFileSync(`${orders}.new`, `${thread}-worker ${end}`);
      renameSync(`${orders}.new`, orders);
      const { code, printed } = await gateway.ended;
      const lines = printed.split("\n").filter((line) => line.includes('"level":60'));
      expect([code, lines]).toEqual([1, [expect.stringContaining(`thread ${thread}-worker ended unexpectedly`)]]);
      expect(lines[0]).toContain(cause);
      const again = await startGateway({ folder });
      expect(await readEntries(again.url)).toHaveLength(100);
      await again.stop();
    },
    LIMIT_MS,
  );
});
