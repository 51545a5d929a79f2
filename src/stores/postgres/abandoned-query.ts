import { setTimeout as sleep } from "node:timers/promises";
import { unlessAborted } from "../../audit/abort.js";
import { requestCancel } from "./cancel-request.js";
import { runAlone, type Bound, type Commit } from "./commit.js";
import type { Connection, Connections } from "./connections.js";

/** Most statements end sooner by themselves, and keep their connection: clients that come and go cost no reconnecting. */
const GRACE_MS = 50;

/** A request to cancel that overtakes its statement is lost. */
const REPEAT_MS = 1_000;

export interface QueryOptions {
  readonly signal?: AbortSignal | undefined;
  /** As in runAlone. */
  readonly commit?: Commit | undefined;
}

/**
 * One statement, a transaction of its own, on a connection of the pool. When the signal aborts, rejects with its reason at
 * once, and the server is told to cancel the statement.
 */
export async function queryUnlessAborted<Row extends object>(
  connections: Connections,
  bound: Bound<Row>,
  { signal, commit }: QueryOptions,
): Promise<readonly Row[]> {
  const connection = await connectUnlessAborted(connections, signal);
  // A connection that breaks says so here, too; the statement fails by itself.
  connection.client.on("error", ignore);
  const running = runAlone(connection, bound, commit);
  try {
    const rows = await unlessAborted(running, signal);
    giveBack(connection);
    return rows;
  } catch (failure) {
    if (signal?.aborted === true) void abandon(connection, running);
    else giveBack(connection, failure);
    throw failure;
  }
}

/** The pool lets nobody leave its queue: the connection of who has gone is passed on when it comes. */
async function connectUnlessAborted(connections: Connections, signal: AbortSignal | undefined): Promise<Connection> {
  signal?.throwIfAborted();
  const connecting = connections.connect();
  try {
    return await unlessAborted(connecting, signal);
  } catch (failure) {
    connecting.then((connection) => {
      connection.release();
    }, ignore);
    throw failure;
  }
}

type Ending = { readonly kind: "done" } | { readonly kind: "failed"; readonly failure: unknown };

const RUNNING = { kind: "running" } as const;

/**
 * Ends a statement that nobody waits for. Its connection counts as used until then, so that the pool bounds what the server
 * is doing; and once a request to cancel has been made it is never used again, for that may arrive late and hit what comes next.
 */
async function abandon(connection: Connection, running: Promise<unknown>): Promise<void> {
  const ending = running.then<Ending, Ending>(
    () => ({ kind: "done" }),
    (failure: unknown) => ({ kind: "failed", failure }),
  );
  let state = await within(ending, GRACE_MS);
  if (state.kind === "done") {
    giveBack(connection);
    return;
  }
  while (state.kind === "running") {
    await requestCancel(connection.client);
    state = await within(ending, REPEAT_MS);
  }
  giveBack(connection, state.kind === "failed" ? state.failure : CANCELLED);
}

const CANCELLED = new Error("a request to cancel is on its way");

function within(ending: Promise<Ending>, timeoutMs: number): Promise<Ending | typeof RUNNING> {
  return Promise.race([ending, sleep(timeoutMs, RUNNING, { ref: false })]);
}

function giveBack(connection: Connection, failure?: unknown): void {
  connection.client.removeListener("error", ignore);
  connection.release(failure);
}

function ignore(): void {
  // The caller of the failed statement is told; see where this listens.
}
