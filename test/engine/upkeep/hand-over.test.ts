import { beforeEach, describe, expect, test } from "@jest/globals";
import { AuditError } from "../../../src/audit/errors.js";
import type { LoggingService } from "../../../src/audit/service.js";
import { logHandOver } from "../../../src/engine/upkeep/hand-over.js";
import { keyringOfSeed } from "../../../src/keys/keyring.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { checkEverything, openTestService, ORIGIN } from "../test-log.js";

const seedOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const keyring = keyringOfSeed(seedOf(1), { previousSeeds: [seedOf(2), seedOf(3)], isHandingOver: true });
const keyOf = (log: string, seed: number): string =>
  new LogKey(`${ORIGIN}/${log}`, keyringOfSeed(seedOf(seed)), nodeEd25519()).verifierKey;

const LOGS = ["default", "other"];
let store: MemoryLogStore;
let service: LoggingService;
let warnings: string[];
beforeEach(async () => {
  [store, warnings] = [new MemoryLogStore(), []];
  const logs = LOGS.map((log) => ({ log, format: "rfc6962" as const }));
  service = await openTestService({ store, keyring, logs });
});

const handOver = (by = keyring, to = service): Promise<void> =>
  logHandOver(to, { keyring: by, origin: ORIGIN, logs: LOGS, warn: (message) => void warnings.push(message) });

describe("a hand-over to a new key", () => {
  test("is logged in each log, once, from the key before to the new one, which signs it", async () => {
    await handOver();
    await handOver();
    for (const log of LOGS) {
      const [entry, none] = await store.entries(log, [0, 1]);
      expect(none).toBeUndefined();
      const envelope = JSON.parse(entry?.canonical ?? "") as { readonly event: object; readonly public_key: string };
      expect(envelope.event).toMatchObject({
        ...{ actor: "auditql", action: "key.hand-over", target: log },
        ...{ old: keyOf(log, 2), new: keyOf(log, 1) },
      });
      expect(envelope).toMatchObject({ signature: expect.any(String), public_key: expect.any(String) });
    }
    expect(await checkEverything(store)).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  test.each([
    ["is over", { previousSeeds: [seedOf(2)], isHandingOver: false }],
    ["has no key before it", { previousSeeds: [], isHandingOver: true }],
  ])("is not logged where it %s", async (_, previous) => {
    await handOver(keyringOfSeed(seedOf(1), previous));
    expect(await store.head("default")).toMatchObject({ size: 0 });
  });

  test("that cannot be logged is told of, and the other logs get theirs; a bug is no such reason", async () => {
    const failing = (error: Error): LoggingService => ({
      append: (request, asking) =>
        request.log === "default" ? Promise.reject(error) : service.append(request, asking),
      appendLater: () => Promise.reject(new Error("not asked")),
      bulkRequest: () => Promise.reject(new Error("not asked")),
    });
    await handOver(keyring, failing(new AuditError("UNAVAILABLE", "the disk is full")));
    expect(warnings).toEqual(["the hand-over of the log default to its new key is not logged yet: the disk is full"]);
    expect(await store.head("other")).toMatchObject({ size: 1 });
    await expect(handOver(keyring, failing(new TypeError("a bug")))).rejects.toThrow("a bug");
  });
});
