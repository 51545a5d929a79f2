import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { PostgresLogStore } from "../../../src/stores/postgres/log-store.js";
import { openDatabase } from "../../../src/stores/postgres/open.js";
import { freePort } from "../../free-port.js";
import { describeWith } from "../../service.js";
import { batch, emptyHead, entry } from "../batches.js";
import { OwnPostgres, postgresPrograms, sql } from "./server.js";
import { CarefulWriter, textsOf, untilAvailable } from "./writer.js";

describeWith("a PostgreSQL of its own, and a standby of it", postgresPrograms() !== undefined, () => {
  let primary: OwnPostgres;
  let standby: OwnPostgres;
  let database: string;
  let nobody: string;
  const stores: PostgresLogStore[] = [];
  beforeAll(async () => {
    primary = await OwnPostgres.start(undefined, ["fsync=off", "wal_level=replica", "max_wal_senders=4"]);
    standby = await primary.standby();
    database = new URL(await primary.newDatabase()).pathname;
    nobody = `127.0.0.1:${await freePort()}`;
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });
  afterAll(async () => {
    await Promise.all([primary.close(), standby.close()]);
  });

  const place = (server: OwnPostgres): string => new URL(server.url).host;
  const urlOf = (hosts: readonly string[], parameters = ""): string =>
    `postgres://auditql@${hosts.join(",")}${database}${parameters}`;

  async function open(url: string): Promise<PostgresLogStore> {
    const store = new PostgresLogStore(await openDatabase({ url }));
    stores.push(store);
    return store;
  }

  /** Resolves when the standby has everything that was committed until now. */
  async function replicated(): Promise<void> {
    const [at] = (await sql(primary.url, "SELECT pg_current_wal_lsn()::text AS lsn")) as [{ readonly lsn: string }];
    for (;;) {
      const [row] = await sql(standby.url, "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS done", [at.lsn]);
      if ((row as { readonly done: boolean }).done) return;
      await sleep(20);
    }
  }

  test("of several hosts the one that can be written is used, wherever it stands in the list", async () => {
    for (const hosts of [
      [nobody, place(standby), place(primary)],
      [place(primary), place(standby)],
    ]) {
      const store = await open(urlOf(hosts));
      await store.createLog(emptyHead("default"));
      await new CarefulWriter(store, "default").write(hosts.join());
    }
    await replicated();
  });

  test("a single host that can only be read is used, unless the URL asks for one that can be written", async () => {
    await replicated();
    const reader = await open(urlOf([place(standby)]));
    expect(await textsOf(reader, "default")).toHaveLength(2);
    await expect(reader.append(batch("default", 2, [entry("c")]))).rejects.toMatchObject({
      code: "UNAVAILABLE",
      passing: "SQLSTATE 25006",
    });
    await expect(open(urlOf([place(standby)], "?target_session_attrs=read-write"))).rejects.toMatchObject({
      code: "UNAVAILABLE",
      passing: expect.any(String),
    });
  });

  test("where no host can be written, one is read if the URL takes any, and else each is named with its reason", async () => {
    await replicated();
    const hosts = [nobody, place(standby)];
    const reader = await open(urlOf(hosts, "?target_session_attrs=any"));
    expect(await textsOf(reader, "default")).toHaveLength(2);
    const opening = open(urlOf(hosts));
    await expect(opening).rejects.toMatchObject({ passing: "none of its hosts can be used" });
    await expect(opening).rejects.toThrow(
      new RegExp(`${nobody}: connect ECONNREFUSED .*; ${place(standby)}: it is read-only`),
    );
  });

  test("after a failover the store that is open goes on with the new primary, and loses nothing", async () => {
    const store = await open(urlOf([place(primary), place(standby)]));
    const reader = await open(urlOf([place(standby), nobody], "?target_session_attrs=any"));
    await store.append(batch("default", 2, [entry("before")]));
    await replicated();
    expect(await textsOf(reader, "default")).toHaveLength(3);
    await primary.stop("immediate");
    await expect(store.append(batch("default", 3, [entry("refused")]))).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await sql(standby.url, "SELECT pg_promote()");
    await untilAvailable(async () => store.head("default"));
    await new CarefulWriter(store, "default").write("after");
    await new CarefulWriter(reader, "default").write("after, by one that read only");
    expect((await textsOf(store, "default")).slice(2)).toEqual(["before", "after", "after, by one that read only"]);
  });
});
