import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../free-port.js";
import { gatewayFolder, graphqlData, removeFolder, startGateway, type GatewayProcess } from "../../gateway.js";
import { startService, type StartedFake } from "./fake-service.js";

const FIELDS = [
  { id: "message", type: "string", required: true },
  { id: "amount", type: "integer" },
];
const LOG = 'mutation { log(event: { message: "m", custom: { amount: 7 } }) { entry { event { message custom } } } }';
const LOGGED = { log: { entry: { event: { message: "m", custom: { amount: 7 } } } } };

let folder: string;
let schema: string;
const running: GatewayProcess[] = [];
beforeEach(() => {
  folder = gatewayFolder();
  schema = join(folder, "schema.json");
  writeFileSync(schema, JSON.stringify({ fields: FIELDS }));
});
afterEach(async () => {
  for (const gateway of running.splice(0).reverse()) await gateway.stop();
  removeFolder(folder);
});

async function start(env: Readonly<Record<string, string>>): Promise<GatewayProcess> {
  const gateway = await startGateway({ folder, env });
  running.push(gateway);
  return gateway;
}

const startBehind = (more: Readonly<Record<string, string>> = {}): Promise<GatewayProcess> =>
  start({ AUDITQL_LOG_FORMAT: "pangea", AUDITQL_LOG_SCHEMAS: `default:${schema}`, ...more });

const startFront = (
  url: string,
  schemas: string,
  more: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> =>
  start({
    ...{ AUDITQL_STORE: `pangea+${url}`, AUDITQL_PANGEA_TOKEN: "any", AUDITQL_ORIGIN: "front.example" },
    ...{ AUDITQL_KEY_FILE: join(folder, "front.key"), AUDITQL_LOG_SCHEMAS: schemas, ...more },
  });

async function readiness(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
  return response?.text() ?? "";
}

test.each([
  ["in a file", () => `default:${schema}`],
  ["that the service says", () => "default:service"],
])("a gateway in front of another logs by the schema %s", async (_, schemas) => {
  const behind = await startBehind();
  const front = await startFront(behind.url, schemas());
  expect(await graphqlData(front.url, LOG)).toEqual(LOGGED);
  const found = await graphqlData(behind.url, '{ search(query: "amount:7") { nodes { event { message custom } } } }');
  expect(found).toEqual({ search: { nodes: [{ event: LOGGED.log.entry.event }] } });
});

test("a gateway whose service is to say the schema starts before it, says what it waits for, and logs when it is there", async () => {
  const [port, frontPort] = [await freePort(), await freePort()];
  const own = { AUDITQL_PORT: String(frontPort) };
  const starting = startFront(`http://127.0.0.1:${port}`, "default:service", own);
  const reason = "waiting for the audit service: the audit service's schema of the log default";
  while ((await readiness(frontPort)) !== JSON.stringify({ status: "not ready", reason })) await sleep(50);
  await startBehind({ AUDITQL_PORT: String(port) });
  const front = await starting;
  expect(await graphqlData(front.url, LOG)).toEqual(LOGGED);
  await front.stop();
  const { printed } = await front.ended;
  expect(printed).toContain("waiting for the audit service: The audit service cannot be reached");
  expect(printed).toContain("the audit service is there, after");
});

describe("a gateway does not start", () => {
  let service: StartedFake;
  beforeEach(async () => {
    service = await startService();
  });
  afterEach(() => service.close());

  test("with a schema of a log that it does not serve, and names every bad path of a file", async () => {
    writeFileSync(schema, JSON.stringify({ fields: [{ id: "A", type: "text" }] }));
    const message = await startFront(service.url, `default:${schema},other:${schema}`, {
      AUDITQL_LOGS: "other:pangea",
      AUDITQL_PANGEA_CONFIGS: "mine:pci_one",
    }).catch(String);
    expect(message).toContain("AUDITQL_LOG_SCHEMAS: expected one of default, mine, got other");
    expect(message).toContain(`${schema}.fields[0].id: expected a name`);
  });

  test("where the service is to say a schema and has none", async () => {
    const message = await startFront(service.url, "default:service").catch(String);
    expect(message).toContain(
      "the audit service's schema of the log default: expected one, or the name of a file with it in AUDITQL_LOG_SCHEMAS, got",
    );
  });

  test("where no service could say the schema, because the gateway keeps the log", async () => {
    const message = await startBehind({ AUDITQL_LOG_SCHEMAS: "default:service" }).catch(String);
    expect(message).toContain("AUDITQL_LOG_SCHEMAS: expected a file: this gateway keeps the log itself");
  });
});
