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
      bulkResultTtlMs: 86_400_000,
      maxWaitingBulkBytes: 67_108_864,
      compiledExecution: true,
      access: {},
      eventRate: undefined,
      maxStreams: 1000,
      requestTimeoutMs: 30_000,
      introspection: undefined,
      corsOrigins: [],
      logLevel: "info",
      metricsPolicy: "admin",
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

  test("read how large the values of a log may be, in KiB", () => {
    const { logs } = readSettings({ logs: "big:rfc6962:1024,default:rfc6962:1" }, {});
    expect(logs).toEqual([
      { log: "default", format: "rfc6962", maxValueBytes: 1_024 },
      { log: "big", format: "rfc6962", maxValueBytes: 1_048_576 },
    ]);
  });

  test("let the list of logs say the default log's format", () => {
    expect(readSettings({ logs: "default:pangea" }, {}).logs).toEqual([{ log: "default", format: "pangea" }]);
  });

  test("leave it to the start whether an address asks for credentials", () => {
    expect(readSettings({}, { AUDITQL_HOST: "0.0.0.0" }).host).toBe("0.0.0.0");
  });

  test("say where credentials are checked", () => {
    const env = {
      ...{ AUDITQL_API_KEYS: "keys.json", AUDITQL_JWT_JWKS: "https://issuer.example/jwks" },
      ...{ AUDITQL_JWT_ISSUER: "https://issuer.example", AUDITQL_JWT_AUDIENCE: "audit" },
      ...{ AUDITQL_JWT_ALGORITHMS: "ES256, EdDSA", AUDITQL_JWT_TENANT_CLAIM: "tenant" },
    };
    expect(readSettings({ jwtRestrictionClaim: "audit" }, env).access).toEqual({
      apiKeys: "keys.json",
      jwt: {
        jwks: "https://issuer.example/jwks",
        issuer: "https://issuer.example",
        audience: "audit",
        algorithms: ["EdDSA", "ES256"],
        tenantClaim: "tenant",
        restrictionClaim: "audit",
      },
    });
  });

  test("ask for issuer and audience where tokens are to be accepted", () => {
    expect(messageOf(() => readSettings({}, { AUDITQL_JWT_JWKS: "jwks.json" })).split("\n")).toEqual([
      'AUDITQL_JWT_ISSUER: expected the issuer\'s name, got ""',
      'AUDITQL_JWT_AUDIENCE: expected this gateway\'s name in tokens, got ""',
    ]);
  });

  test("limit events only where a rate is set, by default to those of ten seconds at once", () => {
    expect(readSettings({ eventRate: "50" }, {}).eventRate).toEqual({ eventsPerSecond: 50, capacity: 500 });
    expect(readSettings({ eventRate: "50", eventBurst: "1" }, {}).eventRate).toMatchObject({ capacity: 1 });
  });

  test.each([
    ["port", "65536"],
    ["port", "4000x"],
    ["store", "audit.db"],
    ["redisUrl", "localhost:6379"],
    ["logs", "orders"],
    ["logs", "orders:md5"],
    ["logs", "orders:rfc6962:0"],
    ["logs", "orders:rfc6962:1025"],
    ["logs", "orders:rfc6962:"],
    ["logs", "orders:pangea:32"],
    ["logFormat", "sha1"],
    ["keyFile", " "],
    ["origin", "my log"],
    ["origin", "a+b"],
    ["resultTtl", "0"],
    ["bulkResultTtl", "0"],
    ["maxBulkQueue", "0"],
    ["resultTtl", "2d"],
    ["compiledExecution", "yes"],
    ["host", "a b"],
    ["jwtTenantClaim", "tenant"],
    ["eventRate", "0"],
    ["requestTimeout", "0"],
    ["introspection", "all"],
    ["corsOrigins", "app.example.com"],
    ["corsOrigins", "https://app.example.com/"],
    ["corsOrigins", "null"],
    ["publicUrl", "audit.example.com"],
    ["publicUrl", "ftp://audit.example.com"],
    ["publicUrl", "https://audit.example.com/?a=b"],
    ["publicUrl", "https://:pw@audit.example.com"],
    ["jwtJwks", "https://"],
    ["jwtJwks", "http://issuer.example/jwks"],
    ["jwtJwks", "https://bob@issuer.example/jwks"],
    ["eventBurst", "100"],
  ])("refuse --%s %s", (name, text) => {
    expect(() => readSettings({ [name]: text }, {})).toThrow(SettingsError);
  });

  test.each(["none", "HS256", "EdDSA,HS256", "EdDSA,", "eddsa"])(
    "refuse to accept tokens signed with %j",
    (jwtAlgorithms) => {
      const jwt = { jwtJwks: "jwks.json", jwtIssuer: "i", jwtAudience: "a" };
      expect(() => readSettings({ ...jwt, jwtAlgorithms }, {})).toThrow(
        /^--jwt-algorithms: expected a list of some of /,
      );
    },
  );

  test("name a bad store together with all else that is wrong, and give no password away", () => {
    const env = { AUDITQL_STORE: "mysql://root:secret@db/x", REDIS_URL: "//u:secret@cache", AUDITQL_PORT: "x" };
    expect(messageOf(() => readSettings({}, env)).split("\n")).toEqual([
      'AUDITQL_PORT: expected an integer from 0 to 65535, got "x"',
      'AUDITQL_STORE: expected memory: or sqlite:PATH or postgres://…, got "mysql"',
      'REDIS_URL: expected a URL such as redis://127.0.0.1:6379, got "//u"',
    ]);
  });

  test.each([
    ["AUDITQL_JWT_JWKS", "https://bob:secret@issuer.example/jwks"],
    ["AUDITQL_JWT_JWKS", "http://bob:se/cret@issuer.example/jwks"],
    ["AUDITQL_JWT_JWKS", "ftp://bob:secret@issuer.example:x/jwks"],
    ["AUDITQL_PUBLIC_URL", "https://bob:secret@audit.example.com"],
  ])("give no password away of %s=%s", (name, url) => {
    const message = messageOf(() =>
      readSettings({}, { [name]: url, AUDITQL_JWT_ISSUER: "i", AUDITQL_JWT_AUDIENCE: "a" }),
    );
    expect(message).toContain(`${name}: expected `);
    expect(message).not.toMatch(/secret|cret@/);
  });

  test("name every bad value at once, each where it was given", () => {
    const message = messageOf(() => readSettings({ port: "-1" }, { AUDITQL_STORE: "x", AUDITQL_RESULT_TTL: "no" }));
    expect(message.split("\n")).toEqual([
      '--port: expected an integer from 0 to 65535, got "-1"',
      'AUDITQL_STORE: expected memory: or sqlite:PATH or postgres://…, got "x"',
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
