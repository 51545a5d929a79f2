import { afterAll, beforeAll } from "@jest/globals";
import { openPostgres } from "../../../src/stores/postgres/open.js";
import { completenessContract } from "../../engine/search/completeness-contract.js";
import { describeWith } from "../../service.js";
import { hasPostgres, type PostgresServer, somePostgres } from "./server.js";

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await somePostgres();
  });
  afterAll(async () => {
    await server.close();
  });

  completenessContract("two gateways over PostgreSQL", async () => {
    const url = await server.newDatabase();
    return [await openPostgres({ url }), await openPostgres({ url })];
  });
});
