import { setTimeout as wait } from "node:timers/promises";
import { hasCode } from "../audit/errors.js";
import type { TreeEntry } from "../audit/service.js";
import { isPlainObject } from "../core/json.js";
import {
  ApiError,
  apiUrl,
  ask,
  credential,
  isBusy,
  LONGEST_WAIT_MS,
  pauseMs,
  UnreachableError,
  type Gateway,
  type Members,
} from "./api.js";
import { entryPrinter } from "./entry-printer.js";
import { entriesFrom, type Following } from "./followed-entries.js";
import { CommandError, explanation, type Output } from "./output.js";

export interface TailFlags {
  readonly url: string;
  readonly log?: string;
  readonly tokenFile?: string;
  readonly query?: string;
  /** The first leaf index to read. */
  readonly from?: number;
  readonly json?: boolean;
}

/** What a tail runs with. */
export interface TailParts {
  readonly token: string | undefined;
  readonly output: Output;
  /** Ends it. */
  readonly stop: AbortSignal;
  /** See `Following`. */
  readonly silentMs?: number;
}

const STOPPED = 0;
const IMPOSSIBLE = 2;
const SILENT_MS = 60_000;

const NEXT = /* GraphQL */ `
  query TailFrom($query: String!, $log: ID) {
    search(query: $query, log: $log, first: 0) {
      root {
        treeSize
      }
    }
  }
`;

/** Nobody reads the output any more. */
class ClosedError extends Error {}

/**
 * Prints entries as they are logged, each once, over as many connections as it takes. Returns the exit code: 0 it was stopped, or
 * nobody reads its output any more; 2 it cannot be done, or not any longer. Rejects never.
 */
export async function tailLog(
  flags: TailFlags,
  { token, output, stop, silentMs = SILENT_MS }: TailParts,
): Promise<number> {
  try {
    const gateway = { url: apiUrl(flags.url), token: await credential(flags.tokenFile, token) };
    const { query = "", log } = flags;
    // Asked for once before it is followed: later, only a gateway that was there before is waited for.
    const next = nextIn(await ask(gateway, { query: NEXT, variables: { query, log }, signal: stop }), gateway);
    const tail = { print: printerOf(flags, output), note: output.note };
    return await follow({ gateway, query, log, stop, silentMs }, flags.from ?? next, tail);
  } catch (error) {
    if (stop.aborted || error instanceof ClosedError) return STOPPED;
    output.note(`cannot follow the log: ${explanation(error)}`);
    return IMPOSSIBLE;
  }
}

/** The index that the next entry gets. */
function nextIn({ search }: Members, { url }: Gateway): number {
  const root = isPlainObject(search) ? search["root"] : undefined;
  if (isPlainObject(root) && typeof root["treeSize"] === "number") return root["treeSize"];
  throw new CommandError(`${url.href} answered without a root`);
}

type Print = (entry: TreeEntry) => Promise<void>;

function printerOf({ json }: TailFlags, output: Output): Print {
  const print = entryPrinter(json === true ? "ndjson" : "table", output);
  return (entry) =>
    print([entry]).catch((error: unknown) => {
      throw hasCode(error, "EPIPE") ? new ClosedError() : error;
    });
}

/** Follows the log from an index on, until it is stopped or cannot go on, which it throws. */
async function follow(
  following: Following,
  first: number,
  { print, note }: { readonly print: Print; readonly note: Output["note"] },
): Promise<never> {
  let from = first;
  for (let tries = 1; ; tries++) {
    const [start, startedMs] = [from, performance.now()];
    try {
      for await (const entry of entriesFrom(from, following)) {
        const index = entry.kind === "entry" ? entry.entry.leafIndex : entry.leafIndex;
        if (index < from) continue;
        await print(entry);
        from = index + 1;
      }
    } catch (error) {
      if (!passes(error)) throw from === first ? error : goingOn(error, from);
      // A connection that showed something, or lasted, was a good one.
      if (from > start || performance.now() - startedMs > LONGEST_WAIT_MS) tries = 1;
      const waitMs = pauseMs(error, tries);
      note(`trying again in ${waitMs / 1_000} s: ${explanation(error)}`);
      await wait(waitMs, undefined, { signal: following.stop });
    }
  }
}

/** Whether another connection may go on. */
function passes(error: unknown): boolean {
  const isSlow = error instanceof ApiError && error.codes.includes("SLOW_READER");
  return isSlow || isBusy(error) || error instanceof UnreachableError;
}

function goingOn(error: unknown, from: number): unknown {
  return error instanceof CommandError ? new CommandError(`${error.message}; go on with --from ${from}`) : error;
}
