import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { AuditService, Logged, LogRequest } from "../../../src/audit/service.js";
import { indexed } from "../../../src/engine/search/open-index.js";
import { openStore } from "../../../src/stores/index.js";
import { checkEverything, message, openTestService } from "../../engine/test-log.js";
import { describeWith } from "../../service.js";
import { hasPostgres, type PostgresServer, somePostgres } from "./server.js";
import { KEYRING } from "../../keyring.js";

const REQUESTS = 20;

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  let url: string;
  let gateways: readonly AuditService[];
  const closing: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    server = await somePostgres();
  });
  beforeEach(async () => {
    url = await server.newDatabase();
    gateways = [await gateway(), await gateway()];
  });
  afterEach(async () => {
    await Promise.all(closing.splice(0).map(async (close) => close()));
  });
  afterAll(async () => {
    await server.close();
  });

  async function gateway(): Promise<AuditService> {
    const { log: store, index, isShared } = indexed(await openStore(url), KEYRING);
    const service = await openTestService({ store, index, sharedStore: isShared });
    closing.push(async () => {
      await service.close();
      await index.close();
      await store.close();
    });
    return service;
  }

  const request = (place: number): LogRequest => ({
    ...{ log: "default", sign: false, path: "events" },
    events: [message(`request ${place}`)],
    idempotencyKey: `key ${place}`,
  });

  /** Every request through both gateways at once. */
  async function throughBoth<T>(send: (by: AuditService, place: number) => Promise<T>): Promise<readonly T[][]> {
    const places = Array.from({ length: REQUESTS }, (_, place) => place);
    return Promise.all(places.map(async (place) => Promise.all(gateways.map(async (by) => send(by, place)))));
  }

  async function expectLoggedOnce(): Promise<void> {
    const { log, index } = indexed(await openStore(url), KEYRING);
    const texts = await checkEverything(log);
    await index.close();
    await log.close();
    expect([...texts].sort()).toEqual(Array.from({ length: REQUESTS }, (_, place) => `request ${place}`).sort());
  }

  const told = (receipt: Logged | undefined): unknown =>
    receipt && [receipt.root, receipt.entries.map(({ leafIndex, hash }) => [leafIndex, hash])];

  test("requests sent through two gateways at once, under one key each, are logged once", async () => {
    const answers = await throughBoth((by, place) => by.append(request(place)));
    for (const [one, two] of answers) expect(told(one)).toEqual(told(two));
    await expectLoggedOnce();
    const [first] = await throughBoth((by, place) => by.append(request(place)));
    expect(first?.map(told)).toEqual(answers[0]?.map(told));
    await expectLoggedOnce();
  });

  test("bulk requests sent through two gateways at once are logged once, and found by both", async () => {
    const answers = await throughBoth((by, place) => by.appendLater(request(place)));
    for (const [one, two] of answers) expect([two?.id, told(two?.logged)]).toEqual([one?.id, told(one?.logged)]);
    for (const { id, logged } of answers.flat()) {
      for (const by of gateways) expect(told((await by.bulkRequest(id))?.logged)).toEqual(told(logged));
    }
    await expectLoggedOnce();
  });
});
