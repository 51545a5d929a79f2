import { describe, expect, test } from "@jest/globals";
import { readSettings, SettingsError } from "../src/config.js";

describe("settings", () => {
  test("have defaults that start a gateway on this machine alone", () => {
    expect(readSettings({}, {})).toEqual({
      host: "127.0.0.1",
      port: 4000,
      store: "sqlite:./data/audit.db",
      redisUrl: undefined,
      logs: [{ log: "default", format: "rfc6962" }],
      keyFile: "./data/auditql.key",
      origin: "localhost/auditql",
      resultTtlMs: 172_800_000,
      compiledExecution: true,
    });
  });

  test("come from the environment, and a flag wins over it", () => {
    const env = { AUDITQL_PORT: "5000", AUDITQL_STORE: "memory:", REDIS_URL: "redis://127.0.0.1:6379" };
    expect(readSettings({ port: "0" }, env)).toMatchObject({ port: 0, store: "memory:", redisUrl: env.REDIS_URL });
  });

  test("treat an empty variable as not set", () => {
    expect(readSettings({}, { AUDITQL_PORT: "" }).port).toBe(4000);
  });

  test("keep a log named default beside those that are declared", () => {
    const { logs } = readSettings({ logs: "orders:pangea, ops:rfc6962", logFormat: "pangea" }, {});
    expect(logs).toEqual([
      { log: "default", format: "pangea" },
      { log: "orders", format: "pangea" },
      { log: "ops", format: "rfc6962" },
    ]);
  });

  test("let the list of logs say the default log's format", () => {
    expect(readSettings({ logs: "default:pangea" }, {}).logs).toEqual([{ log: "default", format: "pangea" }]);
  });

  test.each(["localhost", "127.0.0.1", "127.1.2.3", "::1"])("accept the loopback address %s", (host) => {
    expect(readSettings({ host }, {}).host).toBe(host);
  });

  test("refuse to listen for other machines, as there is no authentication yet", () => {
    expect(() => readSettings({}, { AUDITQL_HOST: "0.0.0.0" })).toThrow(
      /^AUDITQL_HOST: expected a loopback address .* authentication is not available yet .* got "0\.0\.0\.0"$/,
    );
  });

  test.each([
    ["port", "65536"],
    ["port", "4000x"],
    ["store", "audit.db"],
    ["redisUrl", "localhost:6379"],
    ["logs", "orders"],
    ["logs", "orders:md5"],
    ["logFormat", "sha1"],
    ["keyFile", " "],
    ["origin", "my log"],
    ["origin", "a+b"],
    ["resultTtl", "0"],
    ["resultTtl", "2d"],
    ["compiledExecution", "yes"],
  ])("refuse --%s %s", (name, text) => {
    expect(() => readSettings({ [name]: text }, {})).toThrow(SettingsError);
  });

  test("name every bad value at once, each where it was given", () => {
    const message = messageOf(() => readSettings({ port: "-1" }, { AUDITQL_STORE: "x", AUDITQL_RESULT_TTL: "no" }));
    expect(message.split("\n")).toEqual([
      '--port: expected an integer from 0 to 65535, got "-1"',
      'AUDITQL_STORE: expected a store such as sqlite:./data/audit.db or memory:, got "x"',
      'AUDITQL_RESULT_TTL: expected an integer from 1 to 31536000, got "no"',
    ]);
  });
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "";
}
