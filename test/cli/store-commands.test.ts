import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { keyringOfSeed } from "../../src/keys/keyring.js";
import { loadOrCreateSeed } from "../../src/keys/seed-file.js";
import { loadSqliteDriver } from "../../src/stores/sqlite/driver.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { SealedBlocks } from "../../src/engine/search/sealed-blocks.js";
import { openStore } from "../../src/stores/index.js";
import { MAIN } from "../gateway.js";
import { firstHiding } from "../engine/search/lying-log.js";
import { fill, openTestService } from "../engine/test-log.js";
import { KEYRING } from "../keyring.js";

const ORIGIN = "localhost/auditql";

/** A test starts up to six processes. */
jest.setTimeout(120_000);

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly note: string;
}

let folder = "";

function auditql(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { cwd: folder }, (error, out, note) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, note });
    });
  });
}

const fsck = (store: string, ...more: readonly string[]): Promise<Ended> =>
  auditql("fsck", "--store", `sqlite:${store}`, "--key-file", "auditql.key", "--mark-file", `${store}.fsck`, ...more);

async function log(path: string, count: number, id = "default"): Promise<void> {
  const { log: store, index } = indexed(await openStore(`sqlite:${join(folder, path)}`), KEYRING);
  const keyring = keyringOfSeed(await loadOrCreateSeed(join(folder, "auditql.key")));
  const service = await openTestService({
    store,
    index,
    keyring,
    origin: ORIGIN,
    logs: [{ log: id, format: "rfc6962" }],
  });
  await fill(service, count, id);
  await service.close();
  await index.close();
  await store.close();
}

/** Flips one bit of the first place in the file where `text` stands. */
async function flipBit(path: string, text: string): Promise<void> {
  const file = join(folder, path);
  const bytes = await readFile(file);
  const at = bytes.indexOf(text);
  if (at === -1) throw new Error(`${text} is not in ${path}`);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  await writeFile(file, bytes);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-store-commands-"));
  await log("good.db", 600);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("auditql fsck", () => {
  it("builds segments of the search index again at random, says the chance, and leaves the mark where it is", async () => {
    await log("random.db", 2 * 4_096 + 10);
    const [whole, some] = [await fsck("random.db"), await fsck("random.db", "--random", "1")];
    expect([whole.code, some.code]).toEqual([0, 0]);
    const [sound = "", sample = ""] = some.note.split("\n");
    expect(sound).toBe("default: sound; 8202 entries, read from 8202");
    // The index is built in the background: it may have none of the two segments yet, or one.
    expect(sample).toMatch(
      /: (none of it is stored yet|segments built at random: 1, with 4096 of (4096 .* 100|8192 .* 50) %)$/,
    );
    await log("random.db", 10);
    await fsck("random.db", "--random", "5");
    expect((await fsck("random.db")).note).toBe("default: sound; 8212 entries, read from 8202\n");
    expect(await fsck("random.db", "--random", "none")).toMatchObject({
      code: 2,
      note: expect.stringContaining("Expected a number from 1 to 999999999") as unknown,
    });
  });

  it("ends with 0 on a sound log, and reads only what is new the next time", async () => {
    expect(await fsck("good.db")).toMatchObject({
      code: 0,
      out: "",
      note: "default: sound; 600 entries, read from 0\n",
    });
    await log("good.db", 10);
    expect(await fsck("good.db")).toMatchObject({ code: 0, note: "default: sound; 610 entries, read from 600\n" });
    expect(await fsck("good.db", "--full")).toMatchObject({
      code: 0,
      note: "default: sound; 610 entries, read from 0\n",
    });
  });

  it("ends with 1 and names the entry of which one bit was flipped", async () => {
    await log("flipped.db", 300);
    await flipBit("flipped.db", '"event 77"');
    expect(await fsck("flipped.db")).toMatchObject({
      code: 1,
      out: "default: entry 77: its stored bytes do not hash to its leaf\n",
    });
    const { code, out } = await fsck("flipped.db", "--full", "--json");
    const lines = out
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown);
    expect([code, lines]).toEqual([
      1,
      [
        { log: "default", finding: "entry-changed", leafIndex: 77 },
        { log: "default", entries: 300, from: 0, findings: 1 },
      ],
    ]);
  });

  it("reads all of another store of the same log", async () => {
    const check = (store: string) =>
      auditql("fsck", "--store", `sqlite:${store}`, "--key-file", "auditql.key", "--mark-file", "marks/one.json");
    await log("first.db", 300);
    expect(await check("first.db")).toMatchObject({ code: 0, note: "default: sound; 300 entries, read from 0\n" });
    await copyFile(join(folder, "first.db"), join(folder, "second.db"));
    await flipBit("second.db", '"event 77"');
    expect(await check("second.db")).toMatchObject({
      code: 1,
      out: "default: entry 77: its stored bytes do not hash to its leaf\n",
    });
    expect(await check("first.db")).toMatchObject({ code: 0, note: "default: sound; 300 entries, read from 300\n" });
  });

  it("does not forget a root that it found sound: another history in its place is found every time", async () => {
    await log("kept.db", 30);
    await log("shorter.db", 20);
    expect(await fsck("kept.db")).toMatchObject({ code: 0 });
    await copyFile(join(folder, "shorter.db"), join(folder, "kept.db"));
    for (const more of [[], ["--full"], []]) {
      expect(await fsck("kept.db", ...more)).toMatchObject({
        code: 1,
        out: "default: root of size 30: signed and verified before, but no longer a prefix of the log\n",
        note: "default: 1 findings; 20 entries, read from 0\n",
      });
    }
  });

  it("reads everything until what it found is mended", async () => {
    await log("mended.db", 300);
    expect(await fsck("mended.db")).toMatchObject({ code: 0 });
    await flipBit("mended.db", '"event 77"');
    for (const more of [["--full"], []]) expect(await fsck("mended.db", ...more)).toMatchObject({ code: 1 });
    await flipBit("mended.db", '#event 77"');
    expect(await fsck("mended.db")).toMatchObject({ code: 0, note: expect.stringContaining("from 0") as unknown });
  });

  it("writes a proof of fraud where the stored index hides an entry, which the verifier accepts", async () => {
    await log("lying.db", 4_400);
    const { log: store, blocks } = await openStore(`sqlite:${join(folder, "lying.db")}`);
    const keyring = keyringOfSeed(await loadOrCreateSeed(join(folder, "auditql.key")));
    const sealed = new SealedBlocks(blocks, keyring.indexSecrets);
    await blocks.remove("default", await blocks.segments("default"));
    await sealed.put("default", await firstHiding(store, 1_000));
    await blocks.close();
    await store.close();
    const { code, out, note } = await fsck("lying.db", "--fraud", "fraud.json", "--json");
    expect(code).toBe(1);
    expect(
      out
        .split("\n")
        .slice(0, 2)
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { log: "default", finding: "segment-changed", level: 1, number: 0 },
      { log: "default", entries: 4_400, from: 0, findings: 1, fraud: "fraud.json" },
    ]);
    const [, key = ""] = /the proof is in fraud\.json: auditql verify fraud\.json --key "(.*)"/.exec(note) ?? [];
    expect(await auditql("verify", "fraud.json", "--key", key)).toMatchObject({
      code: 0,
      note: expect.stringContaining("its entries do not make the segment 0/3") as unknown,
    });
  });

  it("is not spoiled where the mark cannot be kept", async () => {
    await writeFile(join(folder, "file"), "");
    const more = ["--key-file", "auditql.key", "--mark-file", "file/mark.json"];
    expect(await auditql("fsck", "--store", "sqlite:good.db", ...more)).toMatchObject({
      code: 0,
      note: expect.stringMatching(
        /sound[^]*Where this check ended is not kept, and the next one reads everything: /,
      ) as unknown,
    });
  });

  it("ends with 1 and names a log that lost its head, by what is left of it and by what was found sound before", async () => {
    await log("two.db", 3);
    await log("two.db", 2, "second");
    expect(await fsck("two.db")).toMatchObject({ code: 0 });
    const database = (await loadSqliteDriver())(join(folder, "two.db"));
    const lost = (id: string) => database.prepare("DELETE FROM logs WHERE id = ?").run(id);
    lost("second");
    const second = "second: root of size 2: signed and verified before, but no longer a prefix of the log\n";
    const number = (n: number) => `log number ${n}: head: missing, but other data of this log is stored\n`;
    for (let times = 0; times < 2; times++) {
      expect(await fsck("two.db")).toMatchObject({
        code: 1,
        out: number(2) + second,
        note: expect.stringMatching(/^default: sound; 3 entries/) as unknown,
      });
    }
    lost("default");
    const first = "default: root of size 3: signed and verified before, but no longer a prefix of the log\n";
    expect(await fsck("two.db")).toMatchObject({ code: 1, out: number(1) + number(2) + first + second });
    database.close();
  });

  it("ends with 2 where there is nothing to check, and makes nothing", async () => {
    expect(await fsck("none.db")).toMatchObject({ code: 2, note: "There is no log file at none.db.\n" });
    await expect(readFile(join(folder, "none.db"))).rejects.toThrow("ENOENT");
    const keyless = await auditql("fsck", "--store", "sqlite:good.db", "--key-file", "none.key");
    expect(keyless).toMatchObject({ code: 2, note: expect.stringContaining("no key at none.key") as unknown });
  });

  it("ends with 2, not as if it had found something, where it was not told what to check", async () => {
    await writeFile(join(folder, "other.txt"), "no key", { mode: 0o600 });
    expect(await auditql("fsck", "--store", "sqlite:good.db", "--key-file", "other.txt")).toMatchObject({
      code: 2,
      note: expect.stringMatching(/^The key file other\.txt .*\n$/) as unknown,
    });
    expect(await auditql("fsck", "--ful")).toMatchObject({
      code: 2,
      note: expect.stringContaining("--ful") as unknown,
    });
  });

  it("asks whether key and origin are the log's, where another key signed it", async () => {
    expect(await fsck("good.db", "--origin", "elsewhere.example/auditql", "--full")).toMatchObject({
      code: 1,
      out: expect.stringMatching(
        /^default: checkpoint: .*\(UNKNOWN_KEY\); check that the key and the origin are the log's\n$/,
      ) as unknown,
    });
  });
});

describe("auditql copy", () => {
  const copy = (from: string, to: string) =>
    auditql("copy", `sqlite:${from}`, `sqlite:${to}`, "--key-file", "auditql.key");

  it("makes a copy with the same signed root, finds it sound, and goes on from it", async () => {
    await log("source.db", 500);
    expect(await copy("source.db", "copied.db")).toMatchObject({
      code: 0,
      note:
        "default: 500 entries copied, 0 were there\n" +
        "default: idempotency keys: 0\n" +
        "default: the copy is sound; root of 500 entries\n",
    });
    expect(await fsck("copied.db")).toMatchObject({ code: 0 });
    await log("source.db", 20);
    expect(await copy("source.db", "copied.db")).toMatchObject({
      code: 0,
      note: expect.stringContaining("20 entries copied, 500 were there") as unknown,
    });
  });

  it("ends with 2 where there is nothing to copy, and makes nothing", async () => {
    const { log: store, index } = indexed(await openStore(`sqlite:${join(folder, "empty.db")}`), KEYRING);
    await index.close();
    await store.close();
    expect(await copy("empty.db", "of-empty.db")).toMatchObject({ code: 2, note: "The store holds no log.\n" });
    await expect(readFile(join(folder, "of-empty.db"))).rejects.toThrow("ENOENT");
  });

  it("ends with 2 and says why when the target holds another log", async () => {
    await log("other.db", 700);
    await log("small.db", 3);
    expect(await copy("small.db", "other.db")).toMatchObject({
      code: 2,
      note: expect.stringContaining("the target holds 700 entries, the source only 3") as unknown,
    });
  });
});
