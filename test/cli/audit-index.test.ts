import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, jest, test } from "@jest/globals";
import { replaced } from "../../src/audit/calls.js";
import { badInput } from "../../src/audit/errors.js";
import { saveEvidence } from "../../src/cli/save.js";
import { growTo, LOG } from "../engine/search/completeness-contract.js";
import { lyingLog, type LyingLog } from "../engine/search/lying-log.js";
import { ORIGIN } from "../engine/test-log.js";
import { testGateway } from "../graphql/gateway.js";
import { describeWith } from "../service.js";
import {
  at,
  audit,
  BASES,
  expectProven,
  KEY,
  LIMIT_MS,
  opened,
  SIGNED,
  signingRecords,
  SIZE,
  told,
} from "./index-auditor.js";
import { recordedOutput } from "./recorded-output.js";
import { HAS_PYTHON, verifiedByPython } from "./verifiers.js";

jest.setTimeout(LIMIT_MS);

let log: LyingLog;
beforeAll(async () => {
  log = await lyingLog(SIZE, 4_096);
});

describe("auditql audit-index of a log whose index is right", () => {
  test("makes every signed segment again from the entries alone, and remembers what it found sound", async () => {
    const service = await opened(log);
    const { code, lines, notes } = await audit(service);
    expect([code, lines]).toEqual([0, []]);
    expect(notes).toBe(
      `${ORIGIN}/${LOG}: sound; 19 signed segments made again from 4608 entries, of an index of ${BASES} records over ${SIZE} entries, from record 0 on`,
    );
    expect(Object.keys(JSON.parse(readFileSync(at("mark.json"), "utf8")) as object)).toEqual([`${ORIGIN}/${LOG}`]);
    expect(existsSync(at("fraud.json"))).toBe(false);
  });

  test("goes on where the last sound run ended, or makes all again when asked", async () => {
    const grown = await lyingLog(SIZE, 4_096);
    const service = await opened(grown);
    await audit(service);
    const read: number[] = [];
    const watched = replaced(service, {
      results: (id, page) => (read.push(page.offset ?? -1), service.results(id, page)),
    });
    expect((await audit(watched)).notes).toContain("sound; 0 signed segments made again from 0 entries");
    expect(read).toEqual([]);
    await growTo(service, SIZE + 512);
    expect((await audit(watched)).notes).toContain(
      `sound; 2 signed segments made again from 512 entries, of an index of ${BASES + 2} records over ${SIZE + 512} entries, from record ${BASES} on`,
    );
    expect(read).toEqual([4_608, 4_864]);
    expect((await audit(watched, { all: true })).notes).toContain(
      "sound; 21 signed segments made again from 5120 entries",
    );
  });

  test("makes so many again as were asked for, chosen at random, and says the chance; the mark stays", async () => {
    const service = await opened(log);
    const [places, ends]: [number[], number[]] = [[3, 3, 0], []];
    const draw = (end: number): number => (ends.push(end), places.shift() ?? 0);
    const { code, notes } = await audit(service, { random: 2 }, draw);
    expect([code, ends]).toEqual([0, [19, 19, 19]]);
    expect(notes).toContain("sound; 2 signed segments made again from 512 entries");
    expect(notes).toContain("2 chosen at random: one wrong segment is found with a chance of at least 10.5 %");
    expect(existsSync(at("mark.json"))).toBe(false);
    // The last one is of level 1: what lies below it is made on the way.
    expect((await audit(service, { random: 1, json: true }, () => 18)).lines.map(told)).toEqual([
      {
        ...{ origin: `${ORIGIN}/${LOG}`, treeSize: SIZE, indexSize: BASES, drawn: 1, of: 19 },
        ...{ segments: 17, entries: 4_096, findings: 0, proof: null },
      },
    ]);
    expect((await audit(service, { random: 99 }, (end) => Math.floor(Math.random() * end))).notes).toContain(
      "19 signed segments",
    );
  });

  test("goes on where the result that it reads has expired meanwhile", async () => {
    const service = await opened(log);
    const ids: string[] = [];
    const expiring = replaced(service, {
      results: (id, page) => {
        ids.push(id);
        return ids.length === 3 ? Promise.reject(badInput([])) : service.results(id, page);
      },
    });
    expect(await audit(expiring)).toMatchObject({ code: 0 });
    expect([ids.length, ids[1] === ids[2], ids[2] === ids[3]]).toEqual([11, true, false]);
  });

  test("reads the entries from a file that was saved, with what the gateway signed of that tree", async () => {
    const grown = await lyingLog(SIZE, 4_096);
    const service = await opened(grown);
    const gateway = await testGateway(service);
    const saving = { url: `${gateway.url}/graphql`, key: KEY, out: at("evidence.ndjson") };
    expect(await saveEvidence(saving, undefined, recordedOutput().output)).toBe(0);
    await gateway.close();
    await growTo(service, SIZE + 512);
    const unread = replaced(service, { results: () => Promise.reject(new Error("entries were asked for")) });
    const { code, notes } = await audit(unread, { entries: at("evidence.ndjson") });
    expect([code, notes]).toEqual([0, expect.stringContaining(`of an index of ${BASES} records over ${SIZE} entries`)]);
    const [head = "", first = "", , ...others] = readFileSync(at("evidence.ndjson"), "utf8").split("\n");
    writeFileSync(at("evidence.ndjson"), [head, first, ...others].join("\n"));
    const without = await audit(unread, { entries: at("evidence.ndjson"), all: true });
    expect([without.code, without.notes]).toEqual([
      2,
      "cannot audit the index: the file has no entry 1: it must have all, as `auditql save` writes them",
    ]);
  });

  test("is the same of a log of the format pangea, and of one without an indexed entry", async () => {
    const pangea = await opened(await lyingLog(700, 0, "pangea"));
    expect(await audit(pangea)).toMatchObject({ code: 0, notes: expect.stringContaining("sound; 2 signed segments") });
    const empty = await opened(await lyingLog(3, 0));
    expect(await audit(empty, { markFile: at("empty.json") })).toMatchObject({
      code: 0,
      notes: expect.stringContaining("sound; 0 signed"),
    });
  });
});

describe("auditql audit-index of a log that signs a wrong index", () => {
  test("finds a hidden entry in a segment of 4,096, and writes a proof of it", async () => {
    const service = await opened(log, await log.hiding(1_000));
    const { code, lines, notes } = await audit(service);
    expect(code).toBe(1);
    expect(lines).toEqual([
      expect.stringMatching(
        /^segment 1\/0: the log signed another than its entries make: \d+ blocks of root [0-9a-f]{64}, not \d+ blocks/,
      ),
    ]);
    expect(notes).toContain("1 findings; 19 signed segments");
    expect(notes).toContain(
      `a proof of fraud is in ${at("fraud.json")}: auditql verify ${at("fraud.json")} --key "${KEY}"`,
    );
    expect(existsSync(at("mark.json"))).toBe(false);
    await expectProven(at("fraud.json"), "its entries do not make the segment 1/0");
  });

  test("finds one in the records of the 256 entries around it too, accuses of the smaller one, and keeps older evidence", async () => {
    const service = await opened(log, await log.hiding(1_000, { isBelow: true }));
    writeFileSync(at("fraud.json"), "evidence from before");
    const { code, lines } = await audit(service, { json: true });
    expect(code).toBe(1);
    expect(lines.map(told)).toMatchObject([
      { finding: "segment-wrong", level: 0, number: 3 },
      { finding: "segment-wrong", level: 1, number: 0 },
      { findings: 2, from: 0, proof: at("fraud-2.json") },
    ]);
    expect(readFileSync(at("fraud.json"), "utf8")).toBe("evidence from before");
    await expectProven(at("fraud-2.json"), "its entries do not make the segment 0/3");
  });

  test("finds it in a sample that it is in, and not in one that it is not in", async () => {
    const service = await opened(log, await log.hiding(1_000));
    expect((await audit(service, { random: 1 }, () => 3)).code).toBe(0);
    expect((await audit(service, { random: 1 }, () => 18)).code).toBe(1);
    await expectProven(at("fraud.json"), "the segment 1/0");
  });

  test("finds it again from the same mark, and proves it by entries that were saved", async () => {
    const service = await opened(log, await log.hiding(1_000));
    const gateway = await testGateway(service);
    const saving = { url: `${gateway.url}/graphql`, key: KEY, out: at("evidence.ndjson") };
    await saveEvidence(saving, undefined, recordedOutput().output);
    await gateway.close();
    for (const out of ["first.json", "second.json"]) {
      expect((await audit(service, { entries: at("evidence.ndjson"), out: at(out) })).code).toBe(1);
      await expectProven(at(out), "the segment 1/0");
    }
  });

  test("finds a wrong merge of right segments, of which no file holds a proof", async () => {
    const size = 272 * 256;
    const tall = await lyingLog(size, 65_536 + 4_096);
    const lying = await opened(tall, await tall.hiding(30_000, { level: 2 }));
    const { code, lines, notes } = await audit(lying);
    expect([code, lines]).toEqual([1, [expect.stringContaining("segment 2/0: the log signed another")]]);
    expect(notes).toContain("1 findings; 289 signed segments made again from 69632 entries");
    expect(notes).toContain("no proof of fraud fits into a file");
    expect(existsSync(at("fraud.json"))).toBe(false);
  });
});

describeWith("python3 and its package cryptography", HAS_PYTHON, () => {
  test("each proof is one to a verifier that shares no code with the server, too", async () => {
    const lying = [
      await opened(log, await log.hiding(1_000)),
      await opened(log, await log.hiding(1_000, { isBelow: true })),
      await signingRecords(await opened(log), (base, text) => (base === 5 ? "" : text)),
    ];
    for (const [place, service] of lying.entries()) await audit(service, { out: at(`${place}.json`) });
    const texts = lying.map((_, place) => readFileSync(at(`${place}.json`), "utf8"));
    const judged = await verifiedByPython(texts.map((text) => ({ text, args: ["--key", KEY] })));
    expect(judged.map(({ code, lines }) => [code, lines])).toEqual(lying.map(() => [0, SIGNED]));
  });
});
