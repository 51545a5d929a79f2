import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { AuditService, LogRequest, Receipt } from "../../../src/audit/service.js";
import { openStore } from "../../../src/stores/index.js";
import { checkEverything, message, openTestService } from "../../engine/test-log.js";
import { describeWith } from "../../service.js";
import { hasPostgres, type PostgresServer, somePostgres } from "./server.js";

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
    const { log: store, index, bulkQueue, isShared } = await openStore(url);
    const service = await openTestService({ store, index, bulkQueue, sharedStore: isShared });
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
    const { log, index } = await openStore(url);
    const texts = await checkEverything(log);
    await index.close();
    await log.close();
    expect([...texts].sort()).toEqual(Array.from({ length: REQUESTS }, (_, place) => `request ${place}`).sort());
  }

  const told = (receipt: Receipt | undefined): unknown =>
    receipt && [receipt.root, receipt.entries.map(({ leafIndex, hash }) => [leafIndex, hash])];

  test("requests sent through two gateways at once, under one key each, are logged once", async () => {
    const answers = await throughBoth((by, place) => by.append(request(place)));
    for (const [one, two] of answers) expect(told(one)).toEqual(told(two));
    await expectLoggedOnce();
    const [first] = await throughBoth((by, place) => by.append(request(place)));
    expect(first?.map(told)).toEqual(answers[0]?.map(told));
    await expectLoggedOnce();
  });

  test("bulk requests accepted by two gateways on one queue are executed once, and found by both", async () => {
    const accepted = await throughBoth((by, place) => by.appendLater(request(place)));
    for (const [one, two] of accepted) expect(one?.id).toBe(two?.id);
    for (const id of accepted.flatMap((answers) => answers.map((answer) => answer.id))) {
      for (const by of gateways) expect(await endOf(by, id)).toBe("done");
    }
    await expectLoggedOnce();
  });

  async function endOf(by: AuditService, id: string): Promise<string | undefined> {
    for (let polls = 0; polls < 500; polls++) {
      const found = await by.bulkRequest(id);
      if (found?.kind !== "pending") return found?.kind;
      await sleep(20);
    }
    return "pending";
  }
});
