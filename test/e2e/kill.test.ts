import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { TreeClaim } from "../../src/core/claim.js";
import { type TrustedLog, verifyRoot } from "../../src/core/verify.js";
import { type GatewayProcess, gatewayFolder, graphqlRequest, removeFolder, startGateway } from "../gateway.js";
import { readEntries, readRoot, type StoredEntry, trustDefaultLog } from "./log-reader.js";

/** How long the clients log before each kill: short and long, so that it hits every stage of a batch. */
const ROUNDS_MS = [120, 450, 260, 700, 90, 333];
const CLIENTS = 4;
const ROUND_LIMIT_MS = 60_000;

const LOG = /* GraphQL */ `
  mutation Log($events: [AuditEventInput!]!) {
    logBulk(events: $events) {
      entries {
        leafIndex
        hash
        canonical
      }
      root {
        treeSize
        hash
      }
    }
  }
`;

interface Receipt {
  readonly logBulk: { readonly entries: readonly StoredEntry[]; readonly root: TreeClaim };
}

describe("a gateway killed with SIGKILL again and again while clients log", () => {
  const folder = gatewayFolder();
  const acknowledged = new Map<number, StoredEntry>();
  const refusals: string[] = [];
  let answeredRoots: TreeClaim[] = [];
  let gateway: GatewayProcess;
  let log: TrustedLog;

  beforeAll(async () => {
    gateway = await startGateway({ folder });
    log = await trustDefaultLog(gateway.url, "rfc6962");
  });

  afterAll(async () => {
    await gateway.stop();
    removeFolder(folder);
  });

  /** Logs until the gateway is gone. A request that the kill cut off counts for nothing: it may be in the log or not. */
  const logUntilKilled = async (client: number): Promise<void> => {
    for (let i = 0; ; i++) {
      const events = Array.from({ length: 1 + (i % 3) }, (_, k) => ({
        message: `${i}.${k}`,
        actor: `client ${client}`,
      }));
      const answer = await graphqlRequest<Receipt>(gateway.url, LOG, { events }).catch(() => undefined);
      if (answer === undefined) return;
      refusals.push(...answer.errors.map(({ message }) => message));
      if (answer.data) keep(answer.data.logBulk);
    }
  };

  const keep = ({ entries, root }: Receipt["logBulk"]): void => {
    for (const entry of entries) acknowledged.set(entry.leafIndex, entry);
    answeredRoots.push(root);
  };

  const killAfter = async (roundMs: number): Promise<void> => {
    const before = acknowledged.size;
    const clients = Promise.all(Array.from({ length: CLIENTS }, (_, client) => logUntilKilled(client)));
    while (acknowledged.size === before) await sleep(1);
    await sleep(roundMs);
    await gateway.stop("SIGKILL");
    await clients;
  };

  /** Those of the answered roots that the newest is not proven to extend; core checks proof and checkpoint. */
  const notExtended = async (): Promise<readonly TreeClaim[]> => {
    const broken: TreeClaim[] = [];
    for (const root of answeredRoots) {
      const { checkpoint, consistency } = verifyRoot(log, await readRoot(gateway.url, root.treeSize), root);
      if (checkpoint.kind !== "VALID" || consistency.kind !== "VALID") broken.push(root);
    }
    return broken;
  };

  test.each(ROUNDS_MS)(
    "keeps every acknowledged entry and extends every answered root, killed after %i ms",
    async (roundMs) => {
      await killAfter(roundMs);
      gateway = await startGateway({ folder });

      const entries = await readEntries(gateway.url);
      expect(entries.map(({ leafIndex }) => leafIndex)).toEqual(entries.map((_entry, place) => place));
      const promised = [...acknowledged.values()];
      expect(promised.map(({ leafIndex }) => entries[leafIndex])).toEqual(promised);

      expect(await notExtended()).toEqual([]);
      // What extends the newest root extends all that it extends: from here on it stands for them.
      answeredRoots = [await readRoot(gateway.url, 1)];
      expect(answeredRoots[0]?.treeSize).toBe(entries.length);
    },
    ROUND_LIMIT_MS,
  );

  test("refuses nothing on the way", () => {
    expect(refusals).toEqual([]);
  });
});
