import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type GatewayProcess, gatewayFolder, removeFolder, startGateway } from "../gateway.js";
import { canMount, canSetImmutable, setImmutable, SmallDisk } from "../privileges.js";
import { describePermitted } from "../service.js";
import { readEntries } from "./log-reader.js";
import { StoreClient } from "./store-client.js";

const LIMIT_MS = 180_000;
const REFUSED = { code: "UNAVAILABLE", retryAfterMs: expect.any(Number) };

describePermitted("make files immutable (chattr +i)", canSetImmutable(), () => {
  describe("a gateway on SQLite files that became read-only", () => {
    const folder = gatewayFolder();
    let gateway: GatewayProcess;
    let client: StoreClient;
    beforeAll(async () => {
      gateway = await startGateway({ folder });
      client = new StoreClient(gateway.url);
    });
    afterAll(async () => {
      await gateway.stop();
      removeFolder(folder);
    });

    const files = (): readonly string[] => readdirSync(folder).map((name) => join(folder, name));

    test(
      "refuses writes with a hint, is read all the same, and resumes by itself when they can be written",
      async () => {
        await client.logUntilTaken();
        expect(await client.search()).toBe(100);
        setImmutable(true, files());
        try {
          expect(await client.logBulk()).toMatchObject(REFUSED);
          expect(await client.logBulkAsync()).toMatchObject(REFUSED);
          expect(await client.logBulk()).toMatchObject(REFUSED);
          expect(await client.search()).toBe(100);
          expect(await client.read()).toEqual({ treeSize: 100, paged: 20, verdicts: ["VALID", "VALID", "VALID"] });
        } finally {
          setImmutable(false, files());
        }
        await client.logUntilTaken();
        expect(client.size).toBe(200);
        expect(await readEntries(gateway.url)).toHaveLength(200);
        expect(await client.search()).toBe(200);
      },
      LIMIT_MS,
    );
  });
});

describePermitted("mount a file system", canMount(), () => {
  describe("a gateway on a read-only file system", () => {
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    let disk: SmallDisk;
    beforeAll(() => {
      disk = SmallDisk.mount(64 * 1_024 * 1_024, owner);
    });
    afterAll(() => {
      disk.unmount();
    });

    test(
      "does not start, says why, and starts on the same log when it can be written",
      async () => {
        const size = await logHundred();
        disk.setReadOnly(true);
        const started = startGateway({ folder: disk.path });
        await expect(started).rejects.toThrow(
          /^the gateway ended with 1: \S+audit\.db\S* cannot be (opened|written): .+\n$/,
        );
        disk.setReadOnly(false);
        expect(await logHundred()).toBe(size + 100);
      },
      LIMIT_MS,
    );

    async function logHundred(): Promise<number> {
      const gateway = await startGateway({ folder: disk.path });
      const client = new StoreClient(gateway.url);
      await client.logUntilTaken();
      await gateway.stop();
      return client.size;
    }
  });
});
