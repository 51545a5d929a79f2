import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { logs } from "@opentelemetry/api-logs";
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { pino, type DestinationStream } from "pino";
import { alsoToSdk, registeredLogger } from "../../src/operations/otel-logs.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";

const SECRET = "hunter2";
const exporter = new InMemoryLogRecordExporter();
const lines: string[] = [];
const destination: DestinationStream = { write: (line) => void lines.push(line) };
let gateway: TestGateway;

beforeAll(async () => {
  expect(registeredLogger()).toBeUndefined();
  expect(alsoToSdk(destination)).toBe(destination);
  logs.setGlobalLoggerProvider(new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }));
  const logger = pino({ name: "auditql", level: "info" }, alsoToSdk(destination));
  gateway = await testGateway(await openTestService(), { logger });
});

beforeEach(() => {
  exporter.reset();
  lines.length = 0;
});

afterAll(async () => {
  await gateway.close();
  logs.disable();
});

test("an SDK gets each line of the log, which is written all the same", async () => {
  await gateway.text(`mutation Login { log(event: { message: "${SECRET}" }) { root { treeSize } } }`);
  const [record, ...others] = exporter.getFinishedLogRecords();
  expect(others).toEqual([]);
  expect(record).toMatchObject({ body: "operation", severityNumber: 9, severityText: "info" });
  expect(record?.attributes).toMatchObject({
    operation: "Login",
    type: "mutation",
    code: "OK",
    credential: "loopback",
  });
  expect(Object.keys(record?.attributes ?? {})).not.toContain("pid");
  const line = JSON.parse(lines.join()) as { readonly time: number; readonly msg: string };
  expect(line).toMatchObject({ name: "auditql", msg: "operation", operation: "Login" });
  expect(record?.hrTime).toEqual([Math.floor(line.time / 1_000), (line.time % 1_000) * 1_000_000]);
  expect(JSON.stringify([record?.attributes, record?.body])).not.toContain(SECRET);
});

test("an error is an exception by the conventions, and as severe as it is", () => {
  const logger = pino({ level: "info" }, alsoToSdk(destination));
  logger.fatal({ err: new TypeError("no such store"), code: "LOG_CORRUPT" }, "the store is away");
  logger.debug("not worth a line");
  const [record, ...others] = exporter.getFinishedLogRecords();
  expect(others).toEqual([]);
  expect(record).toMatchObject({ body: "the store is away", severityNumber: 21, severityText: "fatal" });
  expect(record?.attributes).toEqual({
    code: "LOG_CORRUPT",
    ...{ "exception.type": "TypeError", "exception.message": "no such store" },
    "exception.stacktrace": expect.stringContaining("otel-logs.test"),
  });
});
