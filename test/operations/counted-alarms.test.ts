import { beforeEach, describe, expect, test } from "@jest/globals";
import type { AlarmCode } from "../../src/audit/alarm.js";
import type { AuditService } from "../../src/audit/service.js";
import type { LogStore } from "../../src/audit/store.js";
import { countedAlarms } from "../../src/operations/counted-alarms.js";
import { Metrics } from "../../src/operations/metrics.js";
import { downloadedSearch } from "../audit/download-reading.js";
import { expectCode } from "../engine/rejection.js";
import { tailed } from "../engine/tail-reading.js";
import { messages, openTestService } from "../engine/test-log.js";
import { LogInMemory } from "../engine/tree/damaged-store.js";
import { samples } from "./samples.js";

const NONE = { ENTRY_CORRUPT: 0, LOG_CORRUPT: 0, ROOT_CONFLICT: 0, WRONG_CLOCK: 0, WRONG_INDEX: 0 };

let memory: LogInMemory;
let metrics: Metrics;

beforeEach(async () => {
  [memory, metrics] = [new LogInMemory(), new Metrics()];
  await memory.fill(5);
});

const counted = async (answers: Partial<LogStore> = {}): Promise<AuditService> =>
  countedAlarms(await memory.open(answers), metrics);

async function alarms(): Promise<Record<string, number>> {
  const found = await samples(metrics);
  return Object.fromEntries(
    Object.entries(found).flatMap(([name, value]) => {
      const code = /^auditql_alarms_total{code="(\w+)"}$/.exec(name)?.[1];
      return code === undefined ? [] : [[code, value]];
    }),
  );
}

/** Entry 1 no longer hashes to its leaf. */
const CHANGED: Partial<LogStore> = {
  entries: async (log, indexes) =>
    (await memory.store.entries(log, indexes)).map((entry) =>
      entry?.leafIndex === 1 ? { ...entry, canonical: `${entry.canonical} ` } : entry,
    ),
};

describe("the count of alarms", () => {
  test("has every code at 0 before the first, so that the first is seen to be one more", async () => {
    expect(await alarms()).toEqual(NONE);
  });

  test.each<[string, (service: AuditService) => Promise<unknown>]>([
    ["by its index", (service) => service.entries("default", [0, 1])],
    ["in a download", (service) => downloadedSearch(service, { log: "default", query: "" })],
    ["in a live tail", (service) => tailed(service, { log: "default", fromLeafIndex: 0 })],
  ])("has each corrupt entry that is read %s", async (_how, read) => {
    const service = await counted(CHANGED);
    await read(service);
    expect(await alarms()).toEqual({ ...NONE, ENTRY_CORRUPT: 1 });
    await read(service);
    expect(await alarms()).toEqual({ ...NONE, ENTRY_CORRUPT: 2 });
  });

  test("has a corrupt entry that is looked up by its hash", async () => {
    const [found] = await memory.store.entries("default", [1]);
    const hash = Buffer.from(found?.leafHash ?? []).toString("hex");
    await (await counted(CHANGED)).entryByHash("default", hash as Parameters<AuditService["entryByHash"]>[1]);
    expect(await alarms()).toEqual({ ...NONE, ENTRY_CORRUPT: 1 });
  });

  test("has each request that a damaged log cannot serve", async () => {
    const service = await counted({
      head: () => Promise.resolve(undefined),
      createLog: (initial) => Promise.resolve(initial),
    });
    await expectCode(service.entries("default", [0]), "LOG_CORRUPT");
    await expectCode(
      service.append({ log: "default", events: messages(1), sign: false, path: "events" }),
      "LOG_CORRUPT",
    );
    expect(await alarms()).toEqual({ ...NONE, LOG_CORRUPT: 2 });
  });

  test("has no refusal that is a client's mistake", async () => {
    await expectCode((await counted()).root("nowhere"), "NOT_FOUND");
    expect(await alarms()).toEqual(NONE);
  });
});

test("an alarm in the background comes with the code that it is counted under", async () => {
  const codes: AlarmCode[] = [];
  await openTestService({
    store: Object.assign(memory.store, { head: () => Promise.resolve(undefined) }),
    alarm: (_sentence, code) => codes.push(code),
  });
  expect(codes).toEqual(["LOG_CORRUPT"]);
});

test("what else an operator waits for begins at 0 too", async () => {
  metrics.knowLogs(["default", "billing"]);
  expect(await samples(metrics)).toMatchObject({
    'auditql_events_logged_total{log="default"}': 0,
    'auditql_events_logged_total{log="billing"}': 0,
    'auditql_append_duration_seconds_count{outcome="error"}': 0,
    'auditql_root_cache_reads_total{outcome="unavailable"}': 0,
    'auditql_downloads_total{format="EVIDENCE",outcome="failed"}': 0,
  });
});
