import { setTimeout as sleep } from "node:timers/promises";
import { unlessAborted } from "../../audit/calls.js";
import { requestCancel } from "./cancel-request.js";
import { runAlone, type Bound, type Commit } from "./commit.js";
import type { Connection, Connections } from "./connections.js";

/**
 * Most statements end by themselves within this time and keep their connection, so clients that come and go cost no
 * reconnects.
 */
const GRACE_MS = 50;

/** A cancel request that overtakes its statement is lost, so it is repeated. */
const REPEAT_MS = 1_000;

export interface QueryOptions {
  readonly signal?: AbortSignal | undefined;
  /** See runAlone. */
  readonly commit?: Commit | undefined;
}

/**
 * Runs one statement as its own transaction, on a connection of the pool. When the signal aborts, rejects with its
 * reason at once and asks the server to cancel the statement.
 */
export async function queryUnlessAborted<Row extends object>(
  connections: Connections,
  bound: Bound<Row>,
  { signal, commit }: QueryOptions,
): Promise<readonly Row[]> {
  const connection = await connectUnlessAborted(connections, signal);
  // A broken connection also emits this error; the statement fails by itself.
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

/** The pool has no way to leave its queue: when the connection comes, it is passed on. */
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
 * Ends a statement that no one waits for. Its connection counts as used until then, so that the pool limits what the
 * server is doing. After a cancel request the connection is never used again, because the request may arrive late and
 * hit the next statement.
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

const CANCELLED = new Error("a cancel request is on its way");

function within(ending: Promise<Ending>, timeoutMs: number): Promise<Ending | typeof RUNNING> {
  return Promise.race([ending, sleep(timeoutMs, RUNNING, { ref: false })]);
}

function giveBack(connection: Connection, failure?: unknown): void {
  connection.client.removeListener("error", ignore);
  connection.release(failure);
}

function ignore(): void {
  // The failed statement rejects for its caller.
}
