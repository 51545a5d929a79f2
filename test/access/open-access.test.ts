import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey } from "../../src/access/key-file.js";
import { accessSentence, openAccess } from "../../src/access/open-access.js";

describe("at start", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "auditql-open-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each(["127.0.0.1", "localhost", "::1"])("a gateway on %s may do without authentication", async (host) => {
    const access = await openAccess({ host });
    expect(access).toEqual({ kind: "open" });
    expect(accessSentence(access)).toMatch(/^no authentication/);
  });

  test.each(["0.0.0.0", "::", "10.0.0.5", "audit.example.com", ""])(
    "a gateway on %j without authentication is refused with what to set",
    async (host) => {
      await expect(openAccess({ host })).rejects.toThrow(
        /without authentication: set AUDITQL_API_KEYS .* AUDITQL_HOST=127/,
      );
    },
  );

  test("a gateway with keys may listen anywhere", async () => {
    const apiKeys = join(folder, "keys.json");
    await createKey(apiKeys, { name: "a", scopes: [] }, new Date());
    const access = await openAccess({ host: "0.0.0.0", apiKeys });
    expect(accessSentence(access)).toBe("authentication by API keys");
  });

  test("a key file that is not there is named to the operator", async () => {
    const apiKeys = join(folder, "none.json");
    await expect(openAccess({ host: "127.0.0.1", apiKeys })).rejects.toThrow(
      /^AUDITQL_API_KEYS: .*none\.json cannot decide .*ENOENT/,
    );
  });

  test.each(["[]", '{"keys": 1}', "not JSON"])("a JWKS file that is %s is named to the operator", async (text) => {
    const jwks = join(folder, "jwks.json");
    await writeFile(jwks, text);
    const jwt = { jwks, issuer: "https://issuer.example", audience: "audit" };
    await expect(openAccess({ host: "0.0.0.0", jwt })).rejects.toThrow(
      /^AUDITQL_JWT_JWKS: .*jwks\.json cannot decide who is let in/,
    );
  });
});
