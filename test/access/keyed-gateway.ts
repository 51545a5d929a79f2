import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { createKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import type { AuditService, Receipt } from "../../src/audit/service.js";
import { openGateway } from "../../src/http/gateway.js";
import { openTestService } from "../engine/test-log.js";
import { compileAtHit } from "../graphql/gateway.js";
import { CREDENTIALS, EVENTS, NAMES, type Name } from "./credentials.js";
import { AUDIENCE, ISSUER, issuerKey, type IssuerKey } from "./issuer.js";

type Headers = Readonly<Record<string, string>>;

/** What a GraphQL operation was answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Response["headers"];
  readonly data: unknown;
  readonly codes: readonly string[];
}

/** A gateway over the EVENTS that knows an API key for each credential, and believes an issuer of tokens. */
export interface KeyedGateway {
  readonly url: string;
  readonly folder: string;
  readonly service: AuditService;
  readonly logged: Receipt;
  readonly issuer: IssuerKey;
  headers(name: Name): Headers;
  ask(name: Name, query: string): Promise<Answer>;
  send(query: string, headers: Headers): Promise<Answer>;
  close(): Promise<void>;
}

export async function openKeyedGateway(): Promise<KeyedGateway> {
  const folder = await mkdtemp(join(tmpdir(), "auditql-gateway-"));
  const service = await openTestService();
  const logged = await service.append({ log: "default", events: EVENTS, sign: false, path: "events" });
  const apiKeys = join(folder, "keys.json");
  const keys = new Map<Name, string>();
  for (const name of NAMES) keys.set(name, await keyOf(name, apiKeys));
  const issuer = await issuerKey("EdDSA", "ed-1");
  const jwks = join(folder, "jwks.json");
  await writeFile(jwks, JSON.stringify({ keys: [issuer.publicJwk] }));
  const jwt = { jwks, issuer: ISSUER, audience: AUDIENCE, tenantClaim: "tenant" };
  const gateway = await openGateway({
    service,
    access: await openAccess({ host: "127.0.0.1", apiKeys, jwt }),
    eventRate: { capacity: 10, eventsPerSecond: 0.001 },
    ...{ host: "127.0.0.1", port: 0, compileAtHit, graphiqlFolder: "/nonexistent" },
    logger: pino({ level: "silent" }),
  });
  const headers = (name: Name) => ({ authorization: `Bearer ${keys.get(name) ?? ""}` });
  const send = (query: string, own: Headers) => sendTo(gateway.url, query, own);
  return {
    ...{ url: gateway.url, folder, service, logged, issuer, headers, send },
    ask: (name, query) => send(query, headers(name)),
    async close() {
      await gateway.close(1_000);
      await service.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** An API key with all that the credential has; the clock is the real one, so an end is long past or far away. */
async function keyOf(name: Name, file: string): Promise<string> {
  const { scopes, tenant, restriction } = CREDENTIALS[name].principal;
  const end = { expiresAt: name === "expired" ? "2020-01-01T00:00:00Z" : "2099-01-01T00:00:00Z" };
  const bounds = { ...(tenant !== undefined && { tenant }), ...(restriction && { restriction }), ...end };
  return (await createKey(file, { name, scopes: [...scopes], ...bounds }, new Date())).text;
}

async function sendTo(url: string, query: string, headers: Headers): Promise<Answer> {
  const init = { method: "POST", headers: { "content-type": "application/json", ...headers } };
  const response = await fetch(`${url}/graphql`, { ...init, body: JSON.stringify({ query }) });
  const { data, errors = [] } = (await response.json()) as {
    data?: unknown;
    errors?: readonly { extensions: { code: string } }[];
  };
  const codes = errors.map((error) => error.extensions.code);
  return { status: response.status, headers: response.headers, data, codes };
}

/** Every leafIndex in an answer. */
export function leafIndexes(data: unknown): readonly number[] {
  return Array.from(JSON.stringify(data).matchAll(/"leafIndex":"?(\d+)/g), ([, digits]) => Number(digits)).sort();
}
