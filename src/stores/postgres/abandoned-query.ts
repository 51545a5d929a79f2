import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { unlessAborted } from "../../audit/abort.js";
import { requestCancel } from "./cancel-request.js";

/** Most statements end sooner by themselves, and keep their connection: clients that come and go cost no reconnecting. */
const GRACE_MS = 50;

/** A request to cancel that overtakes its statement is lost. */
const REPEAT_MS = 1_000;

/**
 * One statement, or what else `run` does, on a connection of the pool. When the signal aborts, rejects with its reason at once, and the server is told
 * to cancel the statement.
 */
export async function queryUnlessAborted<Result>(
  pool: pg.Pool,
  run: (client: pg.ClientBase) => Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  const client = await connectUnlessAborted(pool, signal);
  // A connection that breaks says so here, too; the statement fails by itself.
  client.on("error", ignore);
  const running = run(client);
  try {
    const result = await unlessAborted(running, signal);
    giveBack(client, "answered");
    return result;
  } catch (failure) {
    if (signal.aborted) void abandon(client, running);
    else giveBack(client, "failed");
    throw failure;
  }
}

/** The pool lets nobody leave its queue: the connection of who has gone is passed on when it comes. */
async function connectUnlessAborted(pool: pg.Pool, signal: AbortSignal): Promise<pg.PoolClient> {
  signal.throwIfAborted();
  const connecting = pool.connect();
  try {
    return await unlessAborted(connecting, signal);
  } catch (failure) {
    connecting.then((client) => {
      client.release();
    }, ignore);
    throw failure;
  }
}

type Ending = "answered" | "failed";

/**
 * Ends a statement that nobody waits for. Its connection counts as used until then, so that the pool bounds what the server
 * is doing; and once a request to cancel has been made it is never used again, for that may arrive late and hit what comes next.
 */
async function abandon(client: pg.PoolClient, running: Promise<unknown>): Promise<void> {
  const ending = running.then<Ending, Ending>(
    () => "answered",
    () => "failed",
  );
  let state = await within(ending, GRACE_MS);
  const last = state === "answered" ? state : "failed";
  while (state === "running") {
    await requestCancel(client);
    state = await within(ending, REPEAT_MS);
  }
  giveBack(client, last);
}

function within(ending: Promise<Ending>, timeoutMs: number): Promise<Ending | "running"> {
  return Promise.race([ending, sleep(timeoutMs, "running" as const, { ref: false })]);
}

function giveBack(client: pg.PoolClient, ending: Ending): void {
  client.removeListener("error", ignore);
  client.release(ending === "failed");
}

function ignore(): void {
  // The caller of the failed statement is told; see where this listens.
}
