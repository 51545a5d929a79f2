import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { memoryIndex } from "../search/memory-index.js";
import { AuditError } from "../../../src/audit/errors.js";
import type { AuditService, EntryOutcome } from "../../../src/audit/service.js";
import type { AppendBatch, LogReads, LogStore } from "../../../src/audit/store.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { FaultStore } from "../fault-store.js";
import { logMessages, openTestService } from "../test-log.js";
import { damaged } from "../tree/damaged-store.js";

/** Two full tiles and a few. */
const SIZE = 515;
/** What the server that lags has. */
const LAGGING_SIZE = 400;
/** A log of two servers: reads go where `next` says, a snapshot to one of them. */
const READS = ["head", "entries", "leafHashes", "tiles"] as const;
type Server = "leader" | "lagging";
/** Chooses who answers each read outside of a snapshot, and each snapshot. */
type Choice = (read: keyof LogReads | "snapshot") => Server;

let leader: MemoryLogStore;
let lagging: MemoryLogStore;
let alarms: string[];
/** As the leader holds it. */
let logged: readonly AppendBatch[];
let other: AuditService;

beforeEach(async () => {
  [leader, lagging, alarms] = [new MemoryLogStore(), new MemoryLogStore(), []];
  const recorded = new FaultStore(leader);
  const writer = await openTestService({ store: recorded });
  for (const count of [100, 100, 200, SIZE - LAGGING_SIZE]) await logMessages(writer, count);
  await writer.close();
  other = await openTestService({ store: leader, sharedStore: true });
  logged = recorded.appends;
  await replicate(logged.slice(0, 3));
});
afterEach(() => other.close());

async function replicate(batches: readonly AppendBatch[]): Promise<void> {
  const head = await leader.head("default");
  const [first] = batches;
  if (head === undefined || first?.expectedRoot === undefined) throw new Error("nothing was logged");
  await lagging.createLog({ ...head, size: 0, rootHash: first.expectedRoot });
  for (const batch of batches) await lagging.append(batch);
}

/** The store as a gateway has it that reaches both servers. */
function twoServers(choose: Choice): LogStore {
  const stores = { leader, lagging };
  const read =
    (name: keyof LogReads) =>
    (...asked: readonly unknown[]): unknown => {
      const store: object = stores[choose(name)];
      return Reflect.apply(Reflect.get(store, name) as () => unknown, store, asked);
    };
  return damaged(leader, {
    ...Object.fromEntries(READS.map((name) => [name, read(name)])),
    snapshot: (look) => look(stores[choose("snapshot")]),
    isStandby: () => Promise.resolve(true),
  });
}

async function gateway(choose: Choice = () => "leader"): Promise<AuditService> {
  const [store, index] = [twoServers(choose), memoryIndex(leader)];
  return openTestService({ store, index, sharedStore: true, alarm: (text) => alarms.push(text) });
}

const kinds = (outcomes: readonly EntryOutcome[]): readonly string[] => outcomes.map(({ kind }) => kind);

interface Reader {
  readonly service: AuditService;
  /** The size of the log on the leader. */
  readonly size: number;
}

/** Whatever is read of a log, in few words. */
const reads: Readonly<Record<string, (reader: Reader) => Promise<unknown>>> = {
  entries: async ({ service, size }) => kinds(await service.entries("default", [0, size - 1])),
  tail: async ({ service, size }) => {
    const reader = new AbortController();
    const tail = await service.tail({ log: "default", fromLeafIndex: size - 1 }, reader);
    const first = await tail[Symbol.asyncIterator]().next();
    reader.abort();
    return kinds([first.value as EntryOutcome]);
  },
  "membership proof": ({ service, size }) =>
    service.membershipProofs({ log: "default", treeSize: size, leafIndexes: [300] }),
  "consistency proof": ({ service, size }) => service.consistencyProof({ log: "default", fromSize: 490, toSize: size }),
  "earlier root": ({ service }) => service.root("default", 500),
  "newest root": ({ service }) => service.root("default"),
  search: ({ service }) => service.search({ log: "default", query: "", window: { last: "2h" } }, { first: 5 }),
  growth: ({ service }) => logMessages(service, 1),
};

/** A replica that lags may say that there is nothing yet. It may not say that something is wrong. */
const NOT_YET = ["UNAVAILABLE", "NOT_FOUND", "BAD_USER_INPUT"];

/** Reads after another gateway has logged an entry; what is found must be so, or not be there yet. */
async function requireHonest(read: (reader: Reader) => Promise<unknown>, choose: Choice): Promise<void> {
  let choice: Choice = () => "leader";
  const service = await gateway((asked) => choice(asked));
  const { root } = await logMessages(other, 1);
  choice = choose;
  const found = await read({ service, size: root.treeSize }).catch((error: unknown) => error);
  if (found instanceof AuditError) expect(NOT_YET).toContain(found.code);
  else if (found instanceof Error) throw found;
  else expect(JSON.stringify(found)).not.toContain("corrupt");
  expect(alarms).toEqual([]);
  await service.close();
}

describe("a read that another server answers, which lags, is not taken for damage", () => {
  const once = (method: keyof LogReads, turn: number): Choice => {
    let turns = 0;
    return (asked) => (asked === method && turns++ === turn ? "lagging" : "leader");
  };

  test.each(Object.entries(reads))("%s, one read elsewhere", async (_, read) => {
    for (const method of READS) for (let turn = 0; turn < 4; turn++) await requireHonest(read, once(method, turn));
  });

  test.each(Object.entries(reads))("%s, any read anywhere", async (_, read) => {
    const server = fc.constantFrom<Server>("leader", "lagging");
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(server), (servers) =>
        requireHonest(read, () => servers.next().value as Server),
      ),
      { numRuns: 30 },
    );
  });
});

test("what is damaged in one snapshot is told as damaged", async () => {
  const service = await gateway();
  const forged = logged.flatMap(({ entries }) => entries)[510];
  if (forged === undefined) throw new Error("nothing was logged");
  Object.assign(forged, { canonical: forged.canonical.replace("event", "other") });
  expect(kinds(await service.entries("default", [509, 510]))).toEqual(["entry", "corrupt"]);
  await service.close();
});
