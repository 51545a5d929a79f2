import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openStore } from "../../../src/stores/index.js";
import { graphqlData } from "../../gateway.js";
import { describeWith } from "../../service.js";
import { hasPostgres, somePostgres, type PostgresServer } from "../../stores/postgres/server.js";
import type { MergeStep } from "./merging-gateway.js";
import { KINDS, RARE, TALL_SIZE } from "./tall-log.js";
import {
  closed,
  LOG,
  mergedIndex,
  mergedLying,
  sealed,
  tallPostgres,
  tallSqlite,
  type TallStore,
} from "./tall-stores.js";

const PROCESS = fileURLToPath(new URL("./merging-process.js", import.meta.url));
const LIMIT_MS = 120_000;
/** Blocks that a merge stages at once. */
const STAGED_AT_ONCE = 256;

/** A gateway in a process of its own. */
class Gateway {
  #printed = "";

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => (this.#printed += chunk.toString()));
  }

  static start(url: string, ...stop: readonly string[]): Gateway {
    const child = spawn(process.execPath, [PROCESS, url, ...stop], { stdio: ["ignore", "pipe", "pipe"] });
    const gateway = new Gateway(child);
    running.push(gateway);
    return gateway;
  }

  /** What follows these words in a line that it prints. */
  async said(words: string): Promise<string> {
    for (;;) {
      const found = new RegExp(`^${words}(.*)$`, "m").exec(this.#printed)?.[1];
      if (found !== undefined) return found.trim();
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`it ended: ${this.#printed}`);
      await sleep(10);
    }
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await ended;
  }
}

const running: Gateway[] = [];
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.kill();
});

const SEARCH = `{
  rare: search(query: "rare", first: 50) { totalCount nodes { leafIndex } edges { verification { membership { status } } } }
  some: search(query: "message:kind7 actor=erin", first: 1) { totalCount nodes { leafIndex } }
}`;
const newest = Math.floor((TALL_SIZE - 8) / KINDS) * KINDS + 7;
const FOUND = {
  rare: {
    totalCount: RARE.length,
    nodes: RARE.toReversed().map((leafIndex) => ({ leafIndex })),
    edges: RARE.map(() => ({ verification: { membership: { status: "VALID" } } })),
  },
  some: { totalCount: Math.floor((TALL_SIZE - 8) / KINDS) + 1, nodes: [{ leafIndex: newest }] },
};

/** Where the merge is cut, and how many blocks of the merged segment lie in the store then. */
const CUTS: readonly (readonly [step: MergeStep, times: number, lying: () => number | undefined])[] = [
  ["staged", 9, () => STAGED_AT_ONCE * 9], // half of the blocks
  ["to-publish", 1, () => mergedIndex().at(-1)?.blocks], // all of them, and nothing is listed
  ["to-remove", 1, () => mergedIndex().at(-1)?.blocks], // listed, and the children are still there
];

/** Dies at one step of the merge after the other: searches are right all the time, and in the end all is as if it never had. */
function killedMerges(open: () => TallStore): void {
  test(
    "with half of its blocks staged, again with all of them, and again when it is listed",
    async () => {
      const store = open();
      await store.reset();
      for (const [step, times, lying] of CUTS) {
        const dying = Gateway.start(store.url, step, String(times));
        await dying.said(`at ${step}`);
        expect(await graphqlData(await dying.said("url "), SEARCH)).toEqual(FOUND);
        await dying.kill();
        const left = (await store.lying()).filter((place) => place.startsWith("3/0/")).length;
        expect([step, left]).toEqual([step, lying()]);
        await store.freeTurn();
      }
      const again = Gateway.start(store.url);
      const url = await again.said("url ");
      while ((await store.named()).join() !== "2/16,3/0") {
        expect(await graphqlData(url, SEARCH)).toEqual(FOUND);
        await sleep(50);
      }
      expect(await graphqlData(url, SEARCH)).toEqual(FOUND);
      await again.kill();
      expect(await store.lying()).toEqual(mergedLying());
      const { log, blocks } = await openStore(store.url);
      const listed = await sealed(blocks).segments(LOG);
      await closed({ log, blocks });
      expect(listed.map((row) => ({ ...row, digest: Buffer.from(row.digest) }))).toEqual(
        mergedIndex().map(({ level, number, blocks: count, digest, lastLeafHash }) => ({
          ...{ level, number, blocks: count, digest: Buffer.from(digest), lastLeafHash },
        })),
      );
    },
    LIMIT_MS,
  );
}

describe("a gateway over SQLite killed in a merge to level 3", () => {
  let folder: string;
  let store: TallStore;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "auditql-killed-"));
    store = await tallSqlite(join(folder, "audit.db"));
  }, LIMIT_MS);
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  killedMerges(() => store);
});

describeWith("PostgreSQL", hasPostgres(), () => {
  describe("a gateway over PostgreSQL killed in a merge to level 3", () => {
    let server: PostgresServer;
    let store: TallStore;
    beforeAll(async () => {
      server = await somePostgres();
      store = await tallPostgres(await server.newDatabase());
    }, LIMIT_MS);
    afterAll(() => server.close());
    killedMerges(() => store);

    test(
      "is followed by one that found the turn taken when it looked, though the log does not grow",
      async () => {
        await store.reset();
        const dying = Gateway.start(store.url, "staged", "9");
        await dying.said("at staged");
        await store.holdTurn(20);
        const other = Gateway.start(store.url);
        const url = await other.said("url ");
        expect(await graphqlData(url, SEARCH)).toEqual(FOUND);
        await dying.kill();
        expect(await store.named()).not.toContain("2/16,3/0");
        while ((await store.named()).join() !== "2/16,3/0") {
          expect(await graphqlData(url, SEARCH)).toEqual(FOUND);
          await sleep(200);
        }
        await other.kill();
        expect(await store.lying()).toEqual(mergedLying());
      },
      LIMIT_MS,
    );
  });
});
