import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { type GatewayProcess, gatewayFolder, removeFolder, startGateway } from "../gateway.js";
import { canMount, SmallDisk } from "../privileges.js";
import { describePermitted, describeWith, findProgram } from "../service.js";
import { readEntries } from "./log-reader.js";
import { StoreClient } from "./store-client.js";

const PRLIMIT = findProgram("prlimit");
const LIMIT_MS = 180_000;
const MEBIBYTE = 1_024 * 1_024;
const VERDICTS = ["VALID", "VALID", "VALID"];

const REFUSED = { code: "UNAVAILABLE", retryAfterMs: expect.any(Number) };

describePermitted("mount a file system", canMount(), () => {
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  let disk: SmallDisk;
  let gateway: GatewayProcess;
  beforeAll(async () => {
    disk = SmallDisk.mount(16 * MEBIBYTE, owner);
    gateway = await startGateway({ folder: disk.path });
  });
  afterAll(async () => {
    await gateway.stop();
    disk.unmount();
  });

  test(
    "a gateway whose log and index fill a disk refuses with a hint, is read all the same, and resumes by itself",
    async () => {
      const client = new StoreClient(gateway.url);
      await client.logBulk();
      expect(await client.search()).toBe(100);
      expect(await client.logUntilRefused()).toMatchObject(REFUSED);
      const full = client.size;
      expect(await client.logBulkAsync()).toMatchObject(REFUSED);
      expect(await client.logBulk()).toMatchObject(REFUSED);
      expect(await client.read()).toEqual({ treeSize: full, paged: 20, verdicts: VERDICTS });

      disk.resize(256 * MEBIBYTE);
      await client.logUntilTaken();
      expect(client.size).toBe(full + 100);
      expect(await client.search()).toBe(client.size);
      expect(await readEntries(gateway.url)).toHaveLength(client.size);
    },
    LIMIT_MS,
  );
});

describeWith("prlimit", PRLIMIT !== undefined, () => {
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

  /** No file of the gateway may become larger: to it, the disk is full. */
  const limitFiles = (bytes: number | "unlimited"): void => {
    const { status } = spawnSync(PRLIMIT ?? "", ["--pid", String(gateway.pid), `--fsize=${bytes}:unlimited`]);
    expect(status).toBe(0);
  };

  test(
    "a gateway on a full disk refuses with a hint, is read all the same, and resumes by itself when there is room",
    async () => {
      await client.logBulk();
      expect(await client.search()).toBe(100);
      limitFiles(statSync(join(folder, "audit.db-wal")).size + 300_000);
      expect(await client.logUntilRefused()).toMatchObject(REFUSED);
      const acknowledged = client.size;
      expect(await client.logBulkAsync()).toMatchObject(REFUSED);
      expect(await client.logBulk()).toMatchObject(REFUSED);
      expect(await client.read()).toEqual({ treeSize: acknowledged, paged: 20, verdicts: VERDICTS });

      limitFiles("unlimited");
      await client.logUntilTaken();
      expect(client.size).toBe(acknowledged + 100);
      expect(await readEntries(gateway.url)).toHaveLength(client.size);
    },
    LIMIT_MS,
  );
});
