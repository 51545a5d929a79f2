import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import {
  type GatewayProcess,
  gatewayFolder,
  graphqlData,
  graphqlRequest,
  removeFolder,
  startGateway,
} from "../gateway.js";
import { describeWith, findProgram } from "../service.js";
import { readEntries } from "./log-reader.js";

const PRLIMIT = findProgram("prlimit");
const LIMIT_MS = 60_000;

const LOG = /* GraphQL */ `
  mutation Log($events: [EventInput!]!) {
    logBulk(events: $events) {
      root {
        treeSize
      }
    }
  }
`;

describeWith("prlimit", PRLIMIT !== undefined, () => {
  const folder = gatewayFolder();
  let gateway: GatewayProcess;
  let size = 0;
  beforeAll(async () => {
    gateway = await startGateway({ folder });
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

  /** Logs 100 events; the answer's error, if there is one. */
  const logHundred = async (): Promise<unknown> => {
    const events = Array.from({ length: 100 }, (_, i) => ({ message: `event ${i} ${"x".repeat(500)}` }));
    const { data, errors } = await graphqlRequest<{ logBulk: { root: { treeSize: number } } }>(gateway.url, LOG, {
      events,
    });
    if (data) size = data.logBulk.root.treeSize;
    return errors[0]?.extensions;
  };

  test(
    "a gateway on a full disk refuses with a hint, is read all the same, and resumes by itself when there is room",
    async () => {
      expect(await logHundred()).toBeUndefined();
      limitFiles(statSync(join(folder, "audit.db-wal")).size + 300_000);
      let refusal: unknown;
      for (let i = 0; i < 100 && refusal === undefined; i++) refusal = await logHundred();
      expect(refusal).toMatchObject({ code: "UNAVAILABLE", retryAfterMs: expect.any(Number) });
      const acknowledged = size;
      expect(await logHundred()).toMatchObject({ code: "UNAVAILABLE" });
      expect((await graphqlData<{ root: unknown }>(gateway.url, "{ root { treeSize } }")).root).toEqual({
        treeSize: size,
      });

      limitFiles("unlimited");
      expect(await logHundred()).toBeUndefined();
      expect(size).toBe(acknowledged + 100);
      expect(await readEntries(gateway.url)).toHaveLength(size);
    },
    LIMIT_MS,
  );
});
