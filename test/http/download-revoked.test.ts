import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Principal } from "../../src/audit/principal.js";
import type { AuditService } from "../../src/audit/service.js";
import { sealLink } from "../../src/downloads/link.js";
import { fill, openTestService } from "../engine/test-log.js";
import { testGateway } from "../graphql/gateway.js";
import { replaced } from "../graphql/watched.js";
import { fetched, lines, PLAIN, sealer, text } from "./download-client.js";
import { revocableKey } from "./revoked-keys.js";

const SIZE = 1_000;
let service: AuditService;
let folder: string;
beforeEach(async () => {
  service = await openTestService();
  await fill(service, SIZE);
  folder = await mkdtemp(join(tmpdir(), "auditql-revoked-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** The service, where something happens after the first page of a download was read. */
function betweenPages(happens: () => Promise<void>): AuditService {
  const download: AuditService["download"] = async (request) => {
    const honest = await service.download(request);
    async function* pages(signal: AbortSignal) {
      let count = 0;
      for await (const page of honest.pages(signal)) {
        if (++count === 2) await happens();
        yield page;
      }
    }
    return { ...honest, pages };
  };
  return replaced(service, { download });
}

/** A link of this key's holder to all there is. */
async function linkOf(id: string): Promise<string> {
  const { result } = await service.search({ log: "default", query: "" }, { first: 0 });
  const principal: Principal = { id: `api-key:${id}`, kind: "api-key", scopes: new Set(["audit:read"]) };
  const claims = { principal, id: result.id, everyMatch: true, format: "NDJSON" } as const;
  return sealLink(sealer, { ...claims, expiresAtMs: Date.now() + 60_000 });
}

describe("a download that is being sent", () => {
  test("breaks off when the key of its link's maker is revoked", async () => {
    const key = await revocableKey(folder);
    const at = await testGateway(betweenPages(key.revoke), { access: key.access, sealer, metricsPolicy: "open" });
    await expect(fetched(`${at.url}/downloads/${await linkOf(key.id)}`, PLAIN)).rejects.toThrow(/aborted|hang up/);
    const metrics = await (await fetch(`${at.url}/metrics`)).text();
    expect(metrics).toContain('auditql_downloads_total{format="NDJSON",outcome="failed"} 1');
    const [, sent = "0"] = /auditql_downloaded_entries_total\{[^}]*\} (\d+)/.exec(metrics) ?? [];
    expect(Number(sent)).toBeLessThan(SIZE / 2);
    await at.close();
  });

  test("goes on to its end while the key is good", async () => {
    const key = await revocableKey(folder);
    const at = await testGateway(
      betweenPages(() => Promise.resolve()),
      { access: key.access, sealer },
    );
    expect(lines(await text(`${at.url}/downloads/${await linkOf(key.id)}`))).toHaveLength(SIZE);
    await at.close();
  });
});
