import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { redisProgram, RedisServer } from "../caches/redis-server.js";
import { gatewayFolder, removeFolder } from "../gateway.js";
import { transports } from "../http/tail-clients.js";
import { describeWith } from "../service.js";
import { OwnPostgres, postgresPrograms } from "../stores/postgres/server.js";
import { Fleet } from "./fleet.js";
import { Follower } from "./follower.js";
import { readEntries } from "./log-reader.js";
import { PersistentWriter } from "./persistent-writer.js";

const LIMIT_MS = 180_000;
/** So many entries, at least, are logged through all that happens in a test, and through each part of it. */
const SOME = 20;

describeWith("a PostgreSQL of its own and redis-server", postgresPrograms() !== undefined && !!redisProgram, () => {
  describe("two gateways on one PostgreSQL and one Redis", () => {
    const folder = gatewayFolder();
    const followers: Follower[] = [];
    let postgres: OwnPostgres;
    let redis: RedisServer;
    let fleet: Fleet;

    beforeAll(async () => {
      [postgres, redis] = await Promise.all([OwnPostgres.start(), RedisServer.start()]);
      const store = await postgres.newDatabase();
      fleet = await Fleet.start(2, folder, { AUDITQL_STORE: store, REDIS_URL: redis.url });
    }, LIMIT_MS);

    afterAll(async () => {
      await Promise.all(followers.map((follower) => follower.stop()));
      await fleet.stop();
      await Promise.all([postgres.close(), redis.kill()]);
      removeFolder(folder);
    });

    /** Logs through both gateways while something happens; answers how many entries there are then. */
    const whileWriting = async (happens: () => Promise<void>): Promise<number> => {
      const writers = ["one", "two"].map((name) => new PersistentWriter(fleet, name));
      let isOver = false;
      const writing = writers.map(async (writer) => {
        do await writer.writeOnce();
        while (!isOver);
      });
      try {
        await happens();
      } finally {
        isOver = true;
        await Promise.all(writing);
      }
      return (await readEntries(fleet.some())).length;
    };

    /** A follower of each gateway, over each transport. */
    const follow = (): readonly Follower[] => {
      const opened = transports.flatMap((transport) => [0, 1].map((first) => new Follower(fleet, transport, first)));
      followers.push(...opened);
      return opened;
    };

    /** Resolves when each has seen some entries more than now. */
    const seenSome = (followed: readonly Follower[]): Promise<unknown> =>
      Promise.all(followed.map((follower) => follower.reached(follower.seen.length + SOME)));

    /** Each has seen the log itself: every entry once, in order, none invented. */
    const expectWhole = async (size: number, followed: readonly Follower[]): Promise<void> => {
      await Promise.all(followed.map((follower) => follower.reached(size)));
      await Promise.all(followed.map((follower) => follower.stop()));
      const entries = await readEntries(fleet.some());
      expect(entries.map(({ leafIndex }) => leafIndex)).toEqual(entries.map((_entry, place) => place));
      for (const { seen } of followed) expect(seen).toEqual(entries);
    };

    test(
      "show what is logged through either, over both transports, with neither gap nor repeat",
      async () => {
        const followed = follow();
        const size = await whileWriting(async () => {
          await seenSome(followed);
        });
        await expectWhole(size, followed);
      },
      LIMIT_MS,
    );

    test(
      "let a reader go on at the other one when its own is killed, with neither gap nor repeat",
      async () => {
        const followed = follow();
        const size = await whileWriting(async () => {
          for (const place of [0, 1, 0]) {
            await seenSome(followed);
            await sleep(50 * Math.random());
            await fleet.killAndRestart(place);
          }
        });
        await expectWhole(size, followed);
        expect(followed.every(({ interruptions }) => interruptions > 1)).toBe(true);
      },
      LIMIT_MS,
    );

    test(
      "go on when Redis, which only wakes them, is gone",
      async () => {
        const followed = follow();
        const size = await whileWriting(async () => {
          await seenSome(followed);
          await redis.kill();
          await seenSome(followed);
        });
        await expectWhole(size, followed);
      },
      LIMIT_MS,
    );
  });
});
