import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, jest, test } from "@jest/globals";
import { replaced } from "../../src/audit/calls.js";
import { AuditError } from "../../src/audit/errors.js";
import { digestBytes } from "../../src/core/bytes.js";
import { LogKey } from "../../src/keys/log-key.js";
import { nodeEd25519 } from "../../src/keys/node-crypto.js";
import { LOG } from "../engine/search/completeness-contract.js";
import { lyingLog, type LyingLog } from "../engine/search/lying-log.js";
import { ORIGIN } from "../engine/test-log.js";
import { KEYRING } from "../keyring.js";
import { at, audit, BASES, expectProven, key, LIMIT_MS, opened, signingRecords, SIZE, told } from "./index-auditor.js";

jest.setTimeout(LIMIT_MS);

let log: LyingLog;
beforeAll(async () => {
  log = await lyingLog(SIZE, 4_096);
});

describe("auditql audit-index of a log that signs or shows what cannot be", () => {
  test("proves a record that is none, without an entry", async () => {
    const service = await signingRecords(await opened(log), (base, text) => (base === 5 ? "auditql/index/2\n" : text));
    const { code, lines } = await audit(service);
    expect([code, lines]).toEqual([1, ["record 5: the log signed one that is none"]]);
    await expectProven(at("fraud.json"), "its record is none of the segment 0/5");
    expect(readFileSync(at("fraud.json"), "utf8").length).toBeLessThan(2_000);
  });

  test("names it once where several segments are due there", async () => {
    const service = await signingRecords(await opened(log), (base, text) => (base === 16 ? "" : text));
    expect((await audit(service)).lines).toEqual(["record 16: the log signed one that is none"]);
    await expectProven(at("fraud.json"), "its record is none of the segment 0/16");
  });

  test("does not take an index for the continuation of another", async () => {
    const honest = await opened(log);
    await audit(honest);
    const service = await signingRecords(honest, (base, text) => (base === 1 ? `${text}\n` : text));
    expect(await audit(service)).toMatchObject({
      code: 1,
      lines: [
        expect.stringContaining(
          `the index of ${BASES} records does not begin with the ${BASES} that were audited before`,
        ),
      ],
    });
  });

  test.each([
    [
      "an entry that is changed",
      (text: string, leaf: number) => (leaf === 777 ? text.replace("logged", "lagged") : text),
      "entries 0 to 4095, as they are shown, are not what the log's signed tree has there",
    ],
    [
      "the first entry changed",
      (text: string, leaf: number) => (leaf === 0 ? text.replace("logged", "lagged") : text),
      "entry 0, as it is shown, is not what the log's signed tree has there",
    ],
  ])("believes no gateway that shows %s", async (_, change, reason) => {
    const service = await opened(log);
    const changing = replaced(service, {
      entries: async (name, leaves) =>
        (await service.entries(name, leaves)).map((outcome) =>
          outcome.kind === "entry"
            ? {
                kind: "entry",
                entry: { ...outcome.entry, canonical: change(outcome.entry.canonical, outcome.entry.leafIndex) },
              }
            : outcome,
        ),
    });
    const { code, lines } = await audit(changing);
    expect([code, lines]).toEqual([1, [`NOT PROVEN: ${reason}`]]);
    expect(existsSync(at("mark.json"))).toBe(false);
    expect((await audit(changing, { json: true })).lines.map(told)).toEqual([{ finding: "not-proven", reason }]);
  });

  test("believes no records that are not in the signed index, and no root that another key signed", async () => {
    const service = await opened(log);
    const changing = replaced(service, {
      indexRecords: async (request) => {
        const page = await service.indexRecords(request);
        return { ...page, texts: page.texts.map((text, place) => (place === 2 ? text.replace(/\d/, "3") : text)) };
      },
    });
    expect(await audit(changing)).toMatchObject({
      code: 1,
      lines: ["NOT PROVEN: the gateway's records from 0 on are not in the index that the log signed"],
    });
    const other = new LogKey(`${ORIGIN}/${LOG}`, { ...KEYRING, checkpointSeed: new Uint8Array(32) }, nodeEd25519());
    expect(await audit(service, { key: other.verifierKey })).toMatchObject({
      code: 1,
      lines: [expect.stringContaining("did not sign the root")],
    });
    const index = await service.indexRoot(LOG, SIZE);
    const foreign = replaced(service, {
      indexRoot: () => Promise.resolve({ ...index, checkpoint: other.signIndex(BASES, digestBytes(index.hash)) }),
    });
    expect(await audit(foreign)).toMatchObject({
      code: 1,
      lines: [expect.stringContaining("did not sign the index's root")],
    });
    const ahead = replaced(service, {
      indexRoot: () => Promise.resolve({ ...index, checkpoint: key.signIndex(BASES + 1, digestBytes(index.hash)) }),
    });
    expect(await audit(ahead)).toMatchObject({
      code: 1,
      lines: [expect.stringContaining(`an index of ${BASES + 1} records over ${SIZE}`)],
    });
  });

  test("does not forget what it saw: a shorter log, another one, and a mark that it did not write", async () => {
    const service = await opened(log);
    await audit(service);
    const others = await opened(await lyingLog(SIZE - 50, 4_096));
    expect(await audit(others)).toMatchObject({
      code: 1,
      lines: [expect.stringContaining(`the log has ${SIZE - 50} entries, and signed ${SIZE} before`)],
    });
    const another = await opened(await lyingLog(SIZE + 1, 4_096));
    expect(await audit(another)).toMatchObject({
      code: 1,
      lines: [
        expect.stringContaining(`the log's tree does not begin with the ${SIZE} entries that were audited before`),
      ],
    });
    const lagging = replaced(service, { indexRoot: (name) => service.indexRoot(name, 4_096) });
    expect(await audit(lagging)).toMatchObject({ code: 2, notes: expect.stringContaining("it lags behind") });
    for (const text of ["{", "[]", `{"${ORIGIN}/${LOG}":{"checkpoint":1}}`]) {
      writeFileSync(at("mark.json"), text);
      expect(await audit(service)).toMatchObject({
        code: 2,
        notes: expect.stringContaining("is no file that audit-index wrote"),
      });
    }
  });

  test("says what it could not find out", async () => {
    const service = await opened(log);
    const refused = replaced(service, {
      indexRecords: () => Promise.reject(new AuditError("PROOF_NOT_PERMITTED", "only for who sees everything")),
    });
    expect(await audit(refused)).toMatchObject({
      code: 2,
      notes: expect.stringContaining("only for who sees everything"),
    });
    expect(await audit(service, { key: "nonsense" })).toMatchObject({
      code: 2,
      notes: expect.stringContaining("expected a verifier key"),
    });
    expect(await audit(service, { log: "other" })).toMatchObject({
      code: 2,
      notes: expect.stringContaining("There is no log"),
    });
  });
});
