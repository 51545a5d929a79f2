import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { IndexedStore } from "../../src/audit/search-index.js";
import type { AuditService, BulkRequest, LogRequest, Receipt } from "../../src/audit/service.js";
import { keyringOfSeed, type Keyring } from "../../src/keys/keyring.js";
import { loadOrCreateSeed } from "../../src/keys/seed-file.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openStore } from "../../src/stores/index.js";
import { checkEverything, fill, message, openTestService } from "../engine/test-log.js";
import { MAIN } from "../gateway.js";
import { describeWith } from "../service.js";
import { hasPostgres, type PostgresServer, somePostgres } from "../stores/postgres/server.js";
import { KEYRING } from "../keyring.js";

const ORIGIN = "localhost/auditql";
const LIMIT_MS = 60_000;
const ALICE = { owner: "alice" };

function keyed(idempotencyKey: string, text = idempotencyKey): LogRequest {
  return { log: "default", events: [message(text)], sign: true, path: "events", idempotencyKey };
}

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  let folder = "";
  let keyFile = "";
  let keyring: Keyring;
  let stores: { readonly sqlite: string; readonly postgres: string; readonly back: string };
  beforeAll(async () => {
    server = await somePostgres();
    folder = await mkdtemp(join(tmpdir(), "auditql-copy-"));
    keyFile = join(folder, "auditql.key");
    keyring = keyringOfSeed(await loadOrCreateSeed(keyFile));
    const [sqlite, back] = ["first.db", "back.db"].map((name) => `sqlite:${join(folder, name)}`);
    stores = { sqlite: sqlite ?? "", postgres: await server.newDatabase(), back: back ?? "" };
  }, LIMIT_MS);
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  const copy = async (from: string, to: string): Promise<string> =>
    (await promisify(execFile)(process.execPath, [MAIN, "copy", from, to, "--key-file", keyFile])).stderr;

  /** Opens a gateway's service on a store, `work`s with it, and closes both. */
  async function withService<T>(
    url: string,
    work: (service: AuditService, opened: IndexedStore) => Promise<T>,
  ): Promise<T> {
    const opened = indexed(await openStore(url), KEYRING);
    const { index, isShared } = opened;
    const options = { store: opened.log, index, sharedStore: isShared, keyring, origin: ORIGIN };
    const service = await openTestService({ ...options, appendTimeoutMs: 100 });
    try {
      return await work(service, opened);
    } finally {
      await service.close();
      await index.close();
      await opened.log.close();
    }
  }

  interface Left {
    readonly receipt: Receipt;
    readonly bulk: BulkRequest;
  }

  /** A log of 301 entries: one of a request with a key, one of a bulk request. */
  function firstLog(): Promise<Left> {
    return withService(stores.sqlite, async (service) => {
      await fill(service, 299);
      const receipt = await service.append(keyed("answered"), ALICE);
      return { receipt, bulk: await service.appendLater(keyed("a bulk request"), ALICE) };
    });
  }

  /** Repeats every request of the first log on a copy of it; answers the texts that are there then. */
  function repeatAll(url: string, left: Left): Promise<readonly string[]> {
    return withService(url, async (service, { log }) => {
      expect(await service.append(keyed("answered"), ALICE)).toEqual(left.receipt);
      await expect(service.append(keyed("answered", "other"), ALICE)).rejects.toMatchObject({ code: "CONFLICT" });
      expect(await service.bulkRequest(left.bulk.id, ALICE)).toEqual({ ...left.bulk, refused: undefined });
      expect(await service.appendLater(keyed("a bulk request"), ALICE)).toEqual(left.bulk);
      expect(await service.bulkRequest(left.bulk.id, { owner: "bob" })).toBeUndefined();
      return checkEverything(log);
    });
  }

  test(
    "a copy to PostgreSQL and back answers repeated requests",
    async () => {
      const left = await firstLog();
      const first = await copy(stores.sqlite, stores.postgres);
      expect(first).toContain("301 entries copied");
      expect(first).toContain("idempotency keys: 2\n");
      expect(await copy(stores.sqlite, stores.postgres)).toContain("0 entries copied, 301 were there");
      const texts = await repeatAll(stores.postgres, left);
      expect(texts.slice(299)).toEqual(["answered", "a bulk request"]);

      const back = await copy(stores.postgres, stores.back);
      expect(back).toContain("idempotency keys: 2\n");
      expect(back).toContain("the copy is sound; root of 301 entries");
      expect(await repeatAll(stores.back, left)).toEqual(texts);
    },
    LIMIT_MS,
  );
});
