import { afterAll, beforeAll } from "@jest/globals";
import { indexed } from "../../../src/engine/search/open-index.js";
import { openPostgres } from "../../../src/stores/postgres/open.js";
import { describeWith } from "../../service.js";
import { searchIndexContract } from "../search-index-contract.js";
import { hasPostgres, type PostgresServer, somePostgres } from "./server.js";
import { KEYRING } from "../../keyring.js";

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await somePostgres();
  });
  afterAll(async () => {
    await server.close();
  });

  searchIndexContract("postgres", async () =>
    indexed(await openPostgres({ url: await server.newDatabase() }), KEYRING),
  );
});
