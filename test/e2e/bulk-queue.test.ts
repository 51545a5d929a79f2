import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import {
  type GatewayProcess,
  gatewayFolder,
  graphqlData,
  graphqlRequest,
  removeFolder,
  startGateway,
} from "../gateway.js";
import { describeWith } from "../service.js";
import { hasPostgres, type PostgresServer, somePostgres, sql } from "../stores/postgres/server.js";

const LIMIT_MS = 60_000;

const LOG_BULK_ASYNC = /* GraphQL */ `
  mutation LogBulkAsync($events: [EventInput!]!) {
    logBulkAsync(events: $events) {
      id
      status
    }
  }
`;

const POLL = /* GraphQL */ `
  query Poll($id: ID!) {
    bulkRequest(id: $id) {
      status
    }
  }
`;

interface Accepted {
  readonly logBulkAsync: { readonly id: string; readonly status: string };
}

describeWith("PostgreSQL", hasPostgres(), () => {
  const folder = gatewayFolder();
  let server: PostgresServer;
  let database: string;
  let gateway: GatewayProcess;
  beforeAll(async () => {
    server = await somePostgres();
    database = await server.newDatabase();
    gateway = await startGateway({ folder, env: { AUDITQL_STORE: database, AUDITQL_MAX_BULK_QUEUE: "1" } });
  }, LIMIT_MS);
  afterAll(async () => {
    await gateway.stop();
    await server.close();
    removeFolder(folder);
  });

  /** 20 events of 20,000 characters: two such requests fit into a mebibyte, three do not. */
  const request = () => {
    const events = Array.from({ length: 20 }, () => ({ message: "x".repeat(20_000) }));
    return graphqlRequest<Accepted>(gateway.url, LOG_BULK_ASYNC, { events });
  };

  async function logged(id: string | undefined): Promise<void> {
    for (;;) {
      const { bulkRequest } = await graphqlData<{ bulkRequest: { status: string } }>(gateway.url, POLL, { id });
      if (bulkRequest.status !== "PENDING") return;
      await sleep(50);
    }
  }

  /** While it lasts nothing can be appended, and the queue is there all the same. */
  async function withHeadLocked(during: () => Promise<void>): Promise<void> {
    const rival = new pg.Client({ connectionString: database });
    await rival.connect();
    try {
      await rival.query("BEGIN; SELECT 1 FROM auditql.heads FOR UPDATE");
      await during();
    } finally {
      await rival.end();
    }
  }

  test(
    "a gateway whose log falls behind accepts what may wait, refuses more with a hint, and accepts again",
    async () => {
      const ids: (string | undefined)[] = [];
      await withHeadLocked(async () => {
        for (const { data } of [await request(), await request()]) ids.push(data?.logBulkAsync.id);
        const { data, errors } = await request();
        expect(data).toBeNull();
        expect(errors[0]?.extensions).toMatchObject({ code: "UNAVAILABLE", retryAfterMs: 1_000 });
      });
      for (const id of ids) await logged(id);
      expect((await request()).data?.logBulkAsync.status).toBe("PENDING");
      const queued = "SELECT count(*)::integer AS queued FROM auditql.bulks";
      expect(await sql(database, queued)).toEqual([{ queued: 3 }]);
    },
    LIMIT_MS,
  );
});
