import { describe, expect, test } from "@jest/globals";
import { readSettings, SettingsError, type Flags } from "../../src/settings/read.js";
import { SETTINGS } from "../../src/settings/table.js";

describe("settings", () => {
  test("have defaults that start a gateway on this machine alone", () => {
    expect(readSettings({}, {})).toEqual({
      listener: { host: "127.0.0.1", port: 4000 },
      storage: {
        ...{ store: "sqlite:./data/audit.db", keyFile: "./data/auditql.key", origin: "localhost/auditql" },
        pangeaConfigs: new Map(),
        ...{ secretFiles: [], previousKeyFiles: [], isHandingOver: true },
      },
      service: {
        logs: [{ log: "default", format: "rfc6962" }],
        schemaPlaces: new Map(),
        resultTtlMs: 172_800_000,
      },
      access: {},
      gateway: {
        streamLimits: { maxStreams: 1000 },
        requestTimeoutMs: 30_000,
        maxBodiesBytes: 268_435_456,
        corsOrigins: [],
        trustedProxies: [],
        metricsPolicy: "admin",
      },
      execution: { compiled: true },
      logLevel: "info",
    });
  });

  test("come from the environment, and a flag wins over it", () => {
    const env = { AUDITQL_PORT: "5000", AUDITQL_STORE: "memory:", REDIS_URL: "redis://127.0.0.1:6379" };
    expect(readSettings({ port: "0" }, env)).toMatchObject({
      listener: { port: 0 },
      storage: { store: "memory:", redisUrl: env.REDIS_URL },
    });
  });

  test("take proxies as addresses and networks", () => {
    const trustedProxies = "10.0.0.0/8, 192.0.2.7,fd00::/8";
    const { gateway } = readSettings({ trustedProxies }, {});
    expect(gateway.trustedProxies).toEqual(["10.0.0.0/8", "192.0.2.7", "fd00::/8"]);
  });

  test("treat an empty variable as not set", () => {
    expect(readSettings({}, { AUDITQL_PORT: "" }).listener.port).toBe(4000);
  });

  test("keep a log named default beside those that are declared", () => {
    const { logs } = readSettings({ logs: "orders:pangea, ops:rfc6962", logFormat: "pangea" }, {}).service;
    expect(logs).toEqual([
      { log: "default", format: "pangea" },
      { log: "orders", format: "pangea" },
      { log: "ops", format: "rfc6962" },
    ]);
  });

  test("read how large the values of a log may be, in KiB", () => {
    const { logs } = readSettings({ logs: "big:rfc6962:1024,default:rfc6962:1" }, {}).service;
    expect(logs).toEqual([
      { log: "default", format: "rfc6962", maxValueBytes: 1_024 },
      { log: "big", format: "rfc6962", maxValueBytes: 1_048_576 },
    ]);
  });

  test("let the list of logs say the default log's format", () => {
    expect(readSettings({ logs: "default:pangea" }, {}).service.logs).toEqual([{ log: "default", format: "pangea" }]);
  });

  test("leave it to the start whether an address asks for credentials", () => {
    expect(readSettings({}, { AUDITQL_HOST: "0.0.0.0" }).listener.host).toBe("0.0.0.0");
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
    const rateOf = (flags: Flags) => readSettings(flags, {}).gateway.eventRate;
    expect(rateOf({ eventRate: "50" })).toEqual({ eventsPerSecond: 50, capacity: 500 });
    expect(rateOf({ eventRate: "50", eventBurst: "1" })).toMatchObject({ capacity: 1 });
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
    ["trustedProxies", "proxy.internal"],
    ["trustedProxies", "10.0.0.0/33"],
    ["trustedProxies", "10.0.0.0/8/8"],
    ["trustedProxies", "fd00::/129"],
    ["trustedProxies", "10.0.0.1;10.0.0.2"],
    ["publicUrl", "audit.example.com"],
    ["publicUrl", "ftp://audit.example.com"],
    ["publicUrl", "https://audit.example.com/?a=b"],
    ["publicUrl", "https://:pw@audit.example.com"],
    ["jwtJwks", "https://"],
    ["jwtJwks", "http://issuer.example/jwks"],
    ["jwtJwks", "https://bob@issuer.example/jwks"],
    ["eventBurst", "100"],
    ["readLog", "readings"],
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
      'AUDITQL_STORE: expected memory: or sqlite:PATH or postgres://… or pangea+https://… or pangea:DOMAIN, got "mysql"',
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
      'AUDITQL_STORE: expected memory: or sqlite:PATH or postgres://… or pangea+https://… or pangea:DOMAIN, got "x"',
      'AUDITQL_RESULT_TTL: expected an integer from 1 to 31536000, got "no"',
    ]);
  });
});

describe("a setting that depends on another", () => {
  test("takes the name of a log that is kept", () => {
    expect(readSettings({ logs: "readings:rfc6962", readLog: "readings" }, {}).gateway.readLog).toBe("readings");
  });

  test.each([
    [{ logs: "readings", readLog: "readings" }, /^--logs: expected a list of name:format [^\n]*$/],
    [{ jwtJwks: "ftp://x", jwtIssuer: "i", jwtAudience: "a" }, /^--jwt-jwks: expected a path, or a URL [^\n]*$/],
    [{ eventRate: "many", eventBurst: "5" }, /^--event-rate: expected an integer [^\n]*$/],
    [
      { jwtIssuer: "i", jwtAudience: "" },
      /^--jwt-issuer: expected no value as long as AUDITQL_JWT_JWKS is not set[^\n]*$/,
    ],
  ])("is not blamed for what is wrong with that one: %j", (flags: Flags, message) => {
    expect(messageOf(() => readSettings(flags, {}))).toMatch(message);
  });
});

describe("the table of settings", () => {
  test("names a variable and its flag once", () => {
    const names = SETTINGS.rows.flatMap(({ variable, flag }) => [variable, flag ?? []].flat());
    expect(new Set(names).size).toBe(names.length);
    expect(SETTINGS.rows).toContainEqual(
      expect.objectContaining({ variable: "REDIS_URL", flag: "redis-url", value: "redis-url" }),
    );
  });

  test("has no flag for the one secret: a command line is shown to everyone on the machine", () => {
    const secrets = SETTINGS.rows.filter(({ flag }) => flag === undefined).map(({ variable }) => variable);
    expect(secrets).toEqual(["AUDITQL_PANGEA_TOKEN"]);
    expect(readSettings({ pangeaToken: "pts_x" }, {}).storage.pangeaToken).toBeUndefined();
    expect(readSettings({}, { AUDITQL_PANGEA_TOKEN: "pts_x" }).storage.pangeaToken).toBe("pts_x");
  });

  test.each(SETTINGS.rows.map((row) => [row.variable, row] as const))("says what %s is", (_variable, row) => {
    if (row.flag !== undefined) expect(row.flag).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(row.value).toMatch(/^\S+$/);
    expect(row.sentence).toMatch(/^[A-Z][^\n]*\.$/);
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
