import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "@jest/globals";
import type { SegmentBlocks } from "../../src/audit/block-store.js";
import { replaced } from "../../src/audit/calls.js";
import type { AuditService } from "../../src/audit/service.js";
import { auditIndex, type AuditIndexFlags } from "../../src/cli/audit-index.js";
import { digestOf, utf8 } from "../../src/core/bytes.js";
import { siblings } from "../../src/core/segment/prove.js";
import { LogKey } from "../../src/keys/log-key.js";
import { nodeEd25519 } from "../../src/keys/node-crypto.js";
import { provable } from "../core/segment/provable-log.js";
import { LOG } from "../engine/search/completeness-contract.js";
import type { LyingLog } from "../engine/search/lying-log.js";
import { ORIGIN } from "../engine/test-log.js";
import { testGateway } from "../graphql/gateway.js";
import { KEYRING } from "../keyring.js";
import { recordedOutput } from "./recorded-output.js";
import { verified } from "./verifiers.js";

/** Entries of a log with a segment of 4,096 that is due. */
export const SIZE = 4_096 + 700;
/** Bases that its index log speaks of. */
export const BASES = 18;
/** Whole logs are built and read, which a busy machine does slowly. */
export const LIMIT_MS = 600_000;
export const SIGNED = ["accusation checkpoint VALID", "accusation indexCheckpoint VALID", "accusation fraud VALID"];
export const key = new LogKey(`${ORIGIN}/${LOG}`, KEYRING, nodeEd25519());
export const KEY = key.verifierKey;

let folder: string;
const closing: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "auditql-audits-"));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true });
});

/** A path in the folder of the test. */
export const at = (name: string): string => join(folder, name);

/** A line of JSON. */
export const told = (line: string): unknown => JSON.parse(line);

export interface Audited {
  readonly code: number;
  readonly lines: readonly string[];
  readonly notes: string;
}

/** Runs `auditql audit-index` against a service, over HTTP. */
export async function audit(
  service: AuditService,
  more: Partial<AuditIndexFlags> = {},
  draw?: (end: number) => number,
): Promise<Audited> {
  const gateway = await testGateway(service);
  const { output, written, notes } = recordedOutput();
  const flags = { url: `${gateway.url}/graphql`, key: KEY, markFile: at("mark.json"), out: at("fraud.json"), ...more };
  const code = await auditIndex(flags, { token: undefined, output, ...(draw && { draw }) });
  await gateway.close();
  return { code, lines: written().split("\n").slice(0, -1), notes: notes() };
}

/** A gateway over a log with these segments in its index, until the test ends. */
export async function opened(log: LyingLog, ...lies: readonly SegmentBlocks[]): Promise<AuditService> {
  const { service, index } = await log.open(...lies);
  closing.push(async () => {
    await service.close();
    await index.close();
  });
  return service;
}

/** That a verifier takes the proof for one, under the log's key. */
export async function expectProven(path: string, segment: string): Promise<void> {
  const text = readFileSync(path, "utf8");
  const found = await verified(text, { key: KEY });
  expect([found.code, found.lines]).toEqual([0, SIGNED]);
  expect(found.note).toContain(segment);
}

/** A service that signs other records than it should. */
export async function signingRecords(
  service: AuditService,
  change: (base: number, text: string) => string,
): Promise<AuditService> {
  const root = await service.indexRoot(LOG, SIZE);
  const { texts } = await service.indexRecords({ root, from: 0, count: BASES });
  const tree = provable(texts.map((text, base) => utf8(change(base, text))));
  return replaced(service, {
    indexRoot: () =>
      Promise.resolve({
        log: LOG,
        treeSize: BASES,
        hash: digestOf(tree.root),
        checkpoint: key.signIndex(BASES, tree.root),
      }),
    indexRecords: ({ from, count }) => {
      const bases = Array.from({ length: Math.min(count, BASES - from) }, (_, place) => from + place);
      const shown = bases.map((base) => change(base, texts[base] ?? ""));
      return Promise.resolve({ from, texts: shown, path: siblings(tree, bases) });
    },
  });
}
