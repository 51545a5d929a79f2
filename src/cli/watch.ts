import { open, readFile, rename } from "node:fs/promises";
import { hasCode } from "../audit/errors.js";
import { digestOf } from "../core/bytes.js";
import { openCheckpoint, type NoteVerifier } from "../core/checkpoint.js";
import { FORMAT_NAMES, type FormatName } from "../core/format.js";
import { isPlainObject } from "../core/json.js";
import { trustVerifierKey, verifyRoot } from "../core/verify.js";
import { FILE_MODE } from "../keys/private-file.js";
import { ApiError, apiUrl, ask, credential, type Gateway } from "./api.js";
import { CommandError, explanation, type Output } from "./output.js";
import { jsonLine, printableLines } from "./printable.js";
import { givenKey, rootIn, unsignedBecause, type SignedRoot } from "./signed-root.js";

export interface WatchFlags {
  readonly url: string;
  /** The log's verifier key. */
  readonly key: string;
  /** The file that remembers the newest root seen, as the log signed it. */
  readonly state: string;
  readonly log?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

const HOLDS = 0;
const BROKEN = 1;
const UNKNOWN = 2;

const NEWEST = /* GraphQL */ `
  query NewestRoot($log: ID) {
    root(log: $log) {
      ...Signed
    }
  }
  fragment Signed on AuditRoot {
    treeSize
    hash
    checkpoint
  }
`;
const EXTENDED = /* GraphQL */ `
  query ExtendedRoot($log: ID, $size: AuditTreeSize!, $fromSize: AuditTreeSize!) {
    root(log: $log, treeSize: $size) {
      treeSize
      hash
      checkpoint
      consistencyProof(fromSize: $fromSize) {
        fromSize
        toSize
        fromHash
        toHash
        path
      }
    }
  }
`;
/** A gateway that says this has found it out itself. */
const CONFESSIONS = ["ROOT_CONFLICT", "LOG_CORRUPT"];

/** What became of the log since it was looked at last. */
type Outcome =
  | { readonly kind: "first" | "unchanged" | "extended"; readonly seen?: SignedRoot; readonly newest: SignedRoot }
  | { readonly kind: Break; readonly seen?: SignedRoot; readonly newest?: SignedRoot; readonly reason: string };

type Break = "split-view" | "truncated" | "rewritten" | "unsigned" | "confessed";

/**
 * Compares a log's newest root with the one that was newest when this ran last, and remembers it where it extends that.
 * Returns the exit code: 0 it does, 1 it does not, 2 it could not be found out. Rejects never.
 */
export async function watchLog(flags: WatchFlags, token: string | undefined, output: Output): Promise<number> {
  try {
    const gateway = { url: apiUrl(flags.url), token: await credential(flags.tokenFile, token) };
    const key = givenKey(flags.key);
    const seen = await remembered(flags.state, key);
    const outcome = await compared(gateway, { ...flags, verifier: key }, seen);
    if (outcome.kind === "first" || outcome.kind === "extended") await remember(flags.state, outcome.newest);
    await output.write(flags.json === true ? jsonLine(outcome) : told(outcome));
    return "reason" in outcome ? BROKEN : HOLDS;
  } catch (error) {
    output.note(`cannot watch: ${explanation(error)}`);
    return UNKNOWN;
  }
}

interface Watched {
  readonly log?: string;
  readonly key: string;
  readonly verifier: NoteVerifier;
}

async function compared(gateway: Gateway, log: Watched, seen: SignedRoot | undefined): Promise<Outcome> {
  try {
    return await comparedWith(seen, { gateway, log });
  } catch (error) {
    if (!(error instanceof ApiError) || !error.codes.some((code) => CONFESSIONS.includes(code))) throw error;
    return { kind: "confessed", ...(seen && { seen }), reason: `the gateway itself says: ${error.message}` };
  }
}

async function comparedWith(
  seen: SignedRoot | undefined,
  { gateway, log }: { readonly gateway: Gateway; readonly log: Watched },
): Promise<Outcome> {
  const newest = rootIn((await ask(gateway, { query: NEWEST, variables: { log: log.log } }))["root"], gateway);
  const before = seen && { seen };
  if (unsignedBecause(newest, log.verifier) !== undefined)
    return { kind: "unsigned", ...before, newest, reason: UNSIGNED };
  if (seen === undefined) return { kind: "first", newest };
  const pair = { seen, newest };
  if (newest.treeSize < seen.treeSize) return { kind: "truncated", ...pair, reason: TRUNCATED };
  if (newest.treeSize === seen.treeSize)
    return newest.hash === seen.hash
      ? { kind: "unchanged", ...pair }
      : { kind: "split-view", ...pair, reason: SPLIT_VIEW };
  if (seen.treeSize === 0) return { kind: "extended", ...pair };
  const variables = { log: log.log, size: newest.treeSize, fromSize: seen.treeSize };
  const { root } = await ask(gateway, { query: EXTENDED, variables });
  return extends_(root, pair, log.key)
    ? { kind: "extended", ...pair }
    : { kind: "rewritten", ...pair, reason: REWRITTEN };
}

const UNSIGNED = "the newest root is not signed by the key that you gave: another log answered, or its key was changed";
const TRUNCATED =
  "the log signed a larger tree before: entries were cut off, or this gateway reads a copy of the store that lags behind (look again)";
const SPLIT_VIEW = "the log signed two different trees of one size: it shows some of its readers other entries";
const REWRITTEN =
  "the newest tree does not begin with the entries of the one before: they were changed, removed, or put in another order";

/** Whether the root is the newest one, and a proof leads to it from the one before; in whichever format the log has. */
function extends_(
  root: unknown,
  { seen, newest }: { readonly seen: SignedRoot; readonly newest: SignedRoot },
  key: string,
): boolean {
  if (!isPlainObject(root) || root["hash"] !== newest.hash) return false;
  return FORMAT_NAMES.some((format: FormatName) => {
    const { checkpoint, consistency } = verifyRoot(trustVerifierKey(key, format), root, seen);
    return checkpoint.kind === "VALID" && consistency.kind === "VALID";
  });
}

/** The root in the file, which is the log's own signed statement; undefined where there is no file. */
async function remembered(path: string, key: NoteVerifier): Promise<SignedRoot | undefined> {
  const checkpoint = await readFile(path, "utf8").catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  });
  if (checkpoint === undefined) return undefined;
  const opened = openCheckpoint(checkpoint, key);
  if (opened.kind === "opened") return { treeSize: opened.treeSize, hash: digestOf(opened.rootHash), checkpoint };
  throw new CommandError(
    `${path} holds no root that the key signed (${opened.reason}): give the file of this log, or look into who changed it`,
  );
}

/** A run that is cut off leaves the file as it was. */
async function remember(path: string, { checkpoint }: SignedRoot): Promise<void> {
  const part = `${path}.part`;
  const file = await open(part, "w", FILE_MODE);
  try {
    await file.writeFile(checkpoint);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, path);
}

function told(outcome: Outcome): string {
  if (!("reason" in outcome)) return `${SENTENCES[outcome.kind]}\n${treeLine(outcome.newest)}`;
  const roots = [outcome.seen, outcome.newest].flatMap((root) => (root === undefined ? [] : [root]));
  // Both are signed, so that anyone with the key sees that they cannot both be true; but for an unsigned one.
  const shown = roots.map(({ checkpoint }) => `\n${printableLines(checkpoint)}`);
  return `${outcome.kind}: ${outcome.reason}\n${shown.join("")}`;
}

const SENTENCES = {
  first: "first look: this root is remembered, and nothing is known of what was before",
  unchanged: "unchanged: the log has the tree that it had",
  extended: "extended: the log has all entries that it had, in their order, and more",
};

function treeLine({ treeSize, hash }: SignedRoot): string {
  return `${treeSize} ${hash}\n`;
}
