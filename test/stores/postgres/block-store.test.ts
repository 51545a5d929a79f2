import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { OpenedStore } from "../../../src/audit/search-index.js";
import { openPostgres } from "../../../src/stores/postgres/open.js";
import { describeWith } from "../../service.js";
import { batch, emptyHead, entry } from "../batches.js";
import { blockStoreContract } from "../block-store-contract.js";
import { hasPostgres, type PostgresServer, somePostgres, sql } from "./server.js";

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await somePostgres();
  });
  afterAll(async () => {
    await server.close();
  });

  blockStoreContract("postgres", async () => {
    const url = await server.newDatabase();
    return { opened: await openPostgres({ url }), reopen: () => openPostgres({ url }) };
  });

  describe("segments shared by gateways", () => {
    let url: string;
    const gateways: OpenedStore[] = [];
    const entries = Array.from({ length: 256 }, (_, place) => entry(`entry ${place}`, place));
    const segment = {
      ...{ level: 0, number: 0, blocks: 1 },
      digest: new Uint8Array(32),
      contents: [new Uint8Array(9)],
    };
    beforeEach(async () => {
      url = await server.newDatabase();
      gateways.push(await openPostgres({ url }), await openPostgres({ url }));
      await gateways[0]?.log.createLog(emptyHead("default"));
      await gateways[0]?.log.append(batch("default", 0, entries));
    });
    afterEach(async () => {
      for (const { blocks, log } of gateways.splice(0)) {
        await blocks.close();
        await log.close();
      }
    });

    test("are stored by one at a time, until its turn has run out", async () => {
      const claims = async (): Promise<readonly unknown[]> => [
        await gateways[0]?.blocks.claim("default"),
        await gateways[1]?.blocks.claim("default"),
      ];
      expect(await claims()).toEqual([true, false]);
      await sql(url, "UPDATE auditql.index_turns SET held_until = now()");
      expect(await gateways[1]?.blocks.claim("default")).toBe(true);
      expect(await claims()).toEqual([false, true]);
    });

    test("are not stored where the log has another last leaf than they were made of", async () => {
      await gateways[0]?.blocks.put("default", { ...segment, lastLeafHash: new Uint8Array(32).fill(1) });
      expect(await gateways[1]?.blocks.segments("default")).toEqual([]);
      const lastLeafHash = entries.at(-1)?.leafHash ?? new Uint8Array();
      await gateways[0]?.blocks.put("default", { ...segment, lastLeafHash });
      expect(await gateways[1]?.blocks.segments("default")).toHaveLength(1);
    });

    test("give nobody the turn on a database that may only be read", async () => {
      await sql(url, `ALTER DATABASE "${new URL(url).pathname.slice(1)}" SET default_transaction_read_only = on`);
      const reading = await openPostgres({ url });
      gateways.push(reading);
      expect(await reading.blocks.claim("default")).toBe(false);
    });
  });
});
