import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { type TrustedLog, verifyRoot } from "../../src/core/verify.js";
import { redisProgram, RedisServer } from "../caches/redis-server.js";
import { gatewayFolder, graphqlRequest, removeFolder } from "../gateway.js";
import { describeWith } from "../service.js";
import { CommitProxy } from "../stores/postgres/commit-proxy.js";
import { OwnPostgres, postgresPrograms, sql } from "../stores/postgres/server.js";
import { Fleet } from "./fleet.js";
import { readEntries, readRoot, trustDefaultLog } from "./log-reader.js";
import { PersistentWriter } from "./persistent-writer.js";

const GATEWAYS = 3;
const WRITERS = 6;
const LIMIT_MS = 240_000;

const FIRST = /* GraphQL */ `
  {
    entry(leafIndex: 0) {
      leafIndex
      membershipProof {
        path
      }
    }
  }
`;

describeWith("a PostgreSQL of its own and redis-server", postgresPrograms() !== undefined && !!redisProgram, () => {
  describe("three gateways on one PostgreSQL and one Redis", () => {
    const folder = gatewayFolder();
    const writers: PersistentWriter[] = [];
    let postgres: OwnPostgres;
    let redis: RedisServer;
    let database: string;
    let proxy: CommitProxy;
    let fleet: Fleet;
    let log: TrustedLog;

    beforeAll(async () => {
      [postgres, redis] = await Promise.all([OwnPostgres.start(), RedisServer.start()]);
      database = await postgres.newDatabase();
      proxy = await CommitProxy.start(database);
      fleet = await Fleet.start(GATEWAYS, folder, { AUDITQL_STORE: proxy.url, REDIS_URL: redis.url });
      log = await trustDefaultLog(fleet.some(), "rfc6962");
    }, LIMIT_MS);

    afterAll(async () => {
      await fleet.stop();
      await proxy.close();
      await Promise.all([postgres.close(), redis.kill()]);
      removeFolder(folder);
    });

    /** Lets all writers write, through all gateways, while something happens, and until each has written once more. */
    const whileWriting = async (happens: () => Promise<void>): Promise<void> => {
      const names = Array.from({ length: WRITERS }, (_, place) => `writer ${writers.length + place}`);
      const round = names.map((name) => new PersistentWriter(fleet, name));
      writers.push(...round);
      let isOver = false;
      const writing = round.map(async (writer) => {
        do await writer.writeOnce();
        while (!isOver);
        await writer.writeOnce();
      });
      const happened = happens().finally(() => {
        isOver = true;
      });
      await Promise.all([happened, ...writing]);
    };

    const refusals = (): number => writers.flatMap((writer) => writer.refusals).length;

    /** As a server that became a replica: sessions end, and new ones may only read. */
    const makeReadOnly = async (isOn: boolean): Promise<void> => {
      const name = new URL(database).pathname.slice(1);
      await sql(postgres.url, `ALTER DATABASE "${name}" SET default_transaction_read_only = ${String(isOn)}`);
      await sql(postgres.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name]);
    };

    /** Asks until there is an answer: a session that was ended fails what it is given next. */
    const firstEntry = async (url: string): Promise<unknown> => {
      for (;;) {
        const { data, errors } = await graphqlRequest(url, FIRST);
        if (errors.length === 0) return data;
        await sleep(20);
      }
    };

    /** What must hold of the log, whatever happened: each gateway is asked. */
    const expectWhole = async (): Promise<void> => {
      const receipts = writers.flatMap((writer) => writer.receipts);
      for (const url of fleet.all()) {
        const entries = await readEntries(url);
        expect(entries.map(({ leafIndex }) => leafIndex)).toEqual(entries.map((_entry, place) => place));
        const promised = receipts.flatMap((receipt) => receipt.entries);
        // As many as were acknowledged, and each of those at its place: none is lost and none is there twice.
        expect(entries).toHaveLength(promised.length);
        expect(promised.map(({ leafIndex }) => entries[leafIndex])).toEqual(promised);
      }
      expect(await notExtended()).toEqual([]);
      expect(writers.flatMap((writer) => writer.unseen)).toEqual([]);
      expect(writers.filter((writer) => writer.seen === 0)).toEqual([]);
      expect(writers.flatMap((writer) => writer.refusals).filter((code) => code !== "UNAVAILABLE")).toEqual([]);
    };

    /** Two prefixes of one tree are consistent with each other: every root is held to the newest, core checks the proof. */
    const notExtended = async (): Promise<readonly number[]> => {
      const answered = writers.flatMap((writer) => writer.receipts.map(({ root }) => root));
      const broken: number[] = [];
      for (const root of answered) {
        const { checkpoint, consistency } = verifyRoot(log, await readRoot(fleet.some(), root.treeSize), root);
        if (checkpoint.kind !== "VALID" || consistency.kind !== "VALID") broken.push(root.treeSize);
      }
      return broken;
    };

    test(
      "keep one log together, and each shows what another one wrote at once",
      async () => {
        await whileWriting(() => sleep(1_000));
        await expectWhole();
      },
      LIMIT_MS,
    );

    test(
      "lose and double nothing when one of them is killed with SIGKILL and started again",
      async () => {
        await whileWriting(async () => {
          for (let round = 0; round < 2; round++) {
            await sleep(50 + 300 * Math.random());
            await fleet.killAndRestart(Math.floor(GATEWAYS * Math.random()));
          }
        });
        await expectWhole();
      },
      LIMIT_MS,
    );

    test(
      "lose and double nothing when connections break in the middle of commits",
      async () => {
        await whileWriting(async () => {
          for (let round = 0; round < 6; round++) {
            proxy.cuts.push("before it is forwarded", "after it was forwarded");
            await sleep(150);
          }
          while (proxy.cuts.length > 0) await sleep(10);
        });
        await expectWhole();
      },
      LIMIT_MS,
    );

    test.each(["fast", "immediate"] as const)(
      "lose and double nothing when PostgreSQL is stopped (%s) and started again, and refuse with a hint meanwhile",
      async (mode) => {
        await whileWriting(async () => {
          await sleep(200);
          await postgres.stop(mode);
          const before = refusals();
          while (refusals() === before) await sleep(20);
          await postgres.startAgain();
        });
        await expectWhole();
        expect(writers.flatMap((writer) => writer.retryHints).every((hint) => Number(hint) > 0)).toBe(true);
      },
      LIMIT_MS,
    );

    test(
      "refuse writes with a hint while the database is read-only, are read all the same, and resume by themselves",
      async () => {
        await whileWriting(async () => {
          await sleep(200);
          await makeReadOnly(true);
          try {
            for (const url of fleet.all()) expect(await firstEntry(url)).toMatchObject({ entry: { leafIndex: 0 } });
            const before = refusals();
            while (refusals() === before) await sleep(20);
          } finally {
            await makeReadOnly(false);
          }
        });
        await expectWhole();
      },
      LIMIT_MS,
    );

    test(
      "go on when Redis is gone",
      async () => {
        await whileWriting(async () => {
          await sleep(200);
          await redis.kill();
          await sleep(400);
        });
        await expectWhole();
      },
      LIMIT_MS,
    );
  });
});
