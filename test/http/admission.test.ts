import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAccess } from "../../src/access/open-access.js";
import type { AuditService } from "../../src/audit/service.js";
import { identify, type Door } from "../../src/http/admission.js";
import { AUDIENCE, ISSUER, issuerKey, signed, type IssuerKey } from "../access/issuer.js";
import { expectCode } from "../engine/rejection.js";
import { openTestService } from "../engine/test-log.js";
import { keptLines } from "./kept-lines.js";

const { logger, lines, text, forget } = keptLines();

let folder: string;
let issuer: IssuerKey;
let service: AuditService;
let door: Door;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-admission-"));
  issuer = await issuerKey("EdDSA", "ed-1");
  const jwks = join(folder, "jwks.json");
  await writeFile(jwks, JSON.stringify({ keys: [issuer.publicJwk] }));
  const jwt = { jwks, issuer: ISSUER, audience: AUDIENCE, tenantClaim: "tenant" };
  service = await openTestService();
  door = {
    access: await openAccess({ host: "127.0.0.1", jwt }),
    service,
    logger,
    readLog: undefined,
    eventRate: undefined,
  };
});
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true });
});

const present = async (claims: Readonly<Record<string, unknown>>, key = issuer) => {
  forget();
  const token = await signed(key, { exp: Date.now() / 1_000 + 60, tenant: "acme", ...claims });
  return identify({ authorization: `Bearer ${token}` }, door);
};

test.each([
  ["subject", { sub: { user: "secret" } }, "the claim sub: ", "got an object"],
  ["tenant", { tenant: ["secret"] }, "the claim tenant: ", "got a list"],
])("a verified token with an unusable %s is refused, and the log says why without its content", async (...row) => {
  const [, claims, begins, ends] = row;
  await expectCode(present(claims), "UNAUTHENTICATED");
  expect(lines()).toMatchObject([{ level: 40, msg: "a verified credential was refused" }]);
  expect(lines()[0]?.["because"]).toMatch(new RegExp(`^${begins}expected text of 1 to 128 .*${ends}$`));
  expect(text()).not.toContain("secret");
});

test("a token that nobody verified writes no line", async () => {
  await expectCode(present({ sub: { user: "alice" } }, await issuerKey("EdDSA", "ed-1")), "UNAUTHENTICATED");
  expect(lines()).toEqual([]);
});
