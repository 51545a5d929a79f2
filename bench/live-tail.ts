import { setTimeout as sleep } from "node:timers/promises";
import { RedisServer } from "../test/caches/redis-server.js";
import { Fleet } from "../test/e2e/fleet.js";
import { gatewayFolder, graphqlData, removeFolder } from "../test/gateway.js";
import { TRANSPORTS } from "../test/http/tail-clients.js";
import { OwnPostgres } from "../test/stores/postgres/server.js";
import { machine, median } from "./machine.js";

/**
 * Usage: node build/bench/live-tail.js [entries]
 * How long after its acknowledgement an entry (200 of them, one after the other) is with a reader that follows the log: at
 * the gateway it was logged through, and at another one on the same PostgreSQL, with Redis and without.
 */
const entries = Number(process.argv[2] ?? 200);
const PAUSE_MS = 20;

const LOG = /* GraphQL */ `
  mutation {
    log(event: { message: "a bench" }) {
      entry {
        leafIndex
      }
    }
  }
`;
const FOLLOW = "subscription { entryLogged { leafIndex } }";

interface Place {
  readonly name: string;
  readonly readAt: 0 | 1;
  readonly env: Readonly<Record<string, string>>;
}

/** Milliseconds from acknowledgement to arrival, sorted; below 0 where the event overtook the answer. */
async function delays({ readAt }: Place, fleet: Fleet): Promise<readonly number[]> {
  const [writeAt = "", other = ""] = fleet.all();
  const client = TRANSPORTS.SSE(`${readAt === 0 ? writeAt : other}/graphql`);
  const arrivals = new Map<number, number>();
  const reading = (async () => {
    for await (const { data } of client.iterate({ query: FOLLOW })) {
      if (data) arrivals.set(data.entryLogged.leafIndex, performance.now());
      if (arrivals.size === entries) return;
    }
  })();
  await sleep(500);
  const acknowledged = new Map<number, number>();
  for (let written = 0; written < entries; written++) {
    const { log } = await graphqlData<{ log: { entry: { leafIndex: number } } }>(writeAt, LOG);
    acknowledged.set(log.entry.leafIndex, performance.now());
    await sleep(PAUSE_MS * Math.random() * 2);
  }
  await reading;
  client.dispose();
  return [...acknowledged].map(([index, at]) => (arrivals.get(index) ?? NaN) - at).sort((a, b) => a - b);
}

async function main(): Promise<void> {
  const folder = gatewayFolder();
  const [postgres, redis] = await Promise.all([OwnPostgres.start(undefined, ["fsync=on"]), RedisServer.start()]);
  const places: readonly Place[] = [
    { name: "the same gateway", readAt: 0, env: {} },
    { name: "another gateway, with Redis", readAt: 1, env: { REDIS_URL: redis.url } },
    { name: "another gateway, without Redis", readAt: 1, env: {} },
  ];
  console.log(machine());
  try {
    for (const place of places) {
      const fleet = await Fleet.start(2, folder, { AUDITQL_STORE: await postgres.newDatabase(), ...place.env });
      const measured = await delays(place, fleet);
      await fleet.stop();
      const p99 = measured[Math.floor(measured.length * 0.99)] ?? NaN;
      console.log(`${place.name.padEnd(32)} median ${median(measured).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
    }
  } finally {
    await Promise.all([postgres.close(), redis.kill()]);
    removeFolder(folder);
  }
}

await main();
