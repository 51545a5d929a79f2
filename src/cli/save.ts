import { openCheckpoint, verifierKeyText, type NoteVerifier } from "../core/checkpoint.js";
import { isPlainObject } from "../core/json.js";
import { apiUrl, ask, credential, MAX_ANSWER_BYTES, membersIn, patiently, type Gateway, type Members } from "./api.js";
import { download, written } from "./download.js";
import { CommandError, explanation, type Output } from "./output.js";
import { Progress, withByteBar } from "./progress.js";
import { provenPages } from "./proven-pages.js";
import { givenKey } from "./signed-root.js";

export interface SaveFlags {
  readonly url: string;
  /** The log's verifier key. */
  readonly key: string;
  readonly log?: string;
  readonly query?: string;
  /** Of a search made before. */
  readonly result?: string;
  readonly fromSize?: string;
  /** Whether to save the proofs that no match is missing. */
  readonly prove?: boolean;
  readonly tokenFile?: string;
  readonly out?: string;
}

const SAVED = 0;
const NOT_SAVED = 2;
/** More than `{"end":<number>}` and the line breaks around it take. */
const LAST_LINE_BYTES = 32;
const NEWLINE = 0x0a;

const PINNED = /* GraphQL */ `
  fragment Pinned on AuditEntryConnection {
    resultId
    root {
      log
      treeSize
      hash
      checkpoint
      publicKey
      consistencyProof(fromSize: $fromSize) @include(if: $hasFromSize) {
        fromSize
        toSize
        fromHash
        toHash
        path
      }
    }
  }
`;
const SEARCH = /* GraphQL */ `
  query Evidence($query: String!, $log: ID, $fromSize: AuditTreeSize!, $hasFromSize: Boolean!) {
    pinned: search(query: $query, log: $log, first: 0, orderBy: { field: RECEIVED_AT, direction: ASC }) {
      ...Pinned
    }
  }
  ${PINNED}
`;
const RESULT = /* GraphQL */ `
  query EvidenceOfResult($id: ID!, $fromSize: AuditTreeSize!, $hasFromSize: Boolean!) {
    pinned: results(id: $id, first: 0) {
      ...Pinned
    }
  }
  ${PINNED}
`;
/**
 * Saves evidence of a search from a gateway: the download EVIDENCE, with the consistency proof from `fromSize` in its root.
 * Returns the exit code. Nothing is verified, but what breaks off is not saved. Rejects never.
 */
export async function saveEvidence(flags: SaveFlags, token: string | undefined, output: Output): Promise<number> {
  try {
    const gateway = { url: apiUrl(flags.url), token: await credential(flags.tokenFile, token) };
    const pinned = await pin(gateway, flags, givenKey(flags.key));
    const proofs = flags.prove === true ? { completeness: await provenPages(gateway, pinned.resultId) } : {};
    const search = flags.prove === true && flags.result === undefined ? { search: { query: flags.query ?? "" } } : {};
    const bar = new Progress("save: bytes", output.bar);
    const wanted = { id: pinned.resultId, everyMatch: flags.result === undefined, format: "EVIDENCE" } as const;
    const open = () => download(gateway, wanted);
    const chunks = withByteBar(await patiently(open, { note: output.note }), { bar, total: undefined });
    const count = await written(flags.out, output, (write) =>
      copy(chunks, { ...pinned, head: { ...search, ...proofs } }, write),
    );
    output.note(`saved ${count} entries of ${pinned.root.treeSize}, and the root of that size: keep its hash too`);
    output.note(`${pinned.root.treeSize} ${pinned.root.hash}`);
    return SAVED;
  } catch (error) {
    output.note(`cannot save: ${explanation(error)}`);
    return NOT_SAVED;
  }
}

/** The root that the evidence leads to, and the result that it is downloaded by. */
interface Pinned {
  readonly resultId: string;
  readonly root: Members & { readonly treeSize: number; readonly hash: string };
}

async function pin(
  gateway: Gateway,
  { log, query = "", result, fromSize }: SaveFlags,
  key: NoteVerifier,
): Promise<Pinned> {
  const from = { fromSize: fromSize === undefined ? 1 : sizeIn(fromSize), hasFromSize: fromSize !== undefined };
  const { pinned } =
    result === undefined
      ? await ask(gateway, { query: SEARCH, variables: { query, log, ...from } })
      : await ask(gateway, { query: RESULT, variables: { id: result, ...from } });
  if (!isPinned(pinned)) throw new CommandError(`${gateway.url.href} answered without a root`);
  const { publicKey, log: name } = pinned.root;
  if (publicKey === verifierKeyText(key) || isSignedBy(pinned.root, key)) return pinned;
  throw new CommandError(
    `the key that you gave is not that of the log ${JSON.stringify(name)}, which the gateway says is ${JSON.stringify(publicKey)}`,
  );
}

/** While a log is handed over to a new key, the one before it signs each root too. */
function isSignedBy({ checkpoint }: Pinned["root"], key: NoteVerifier): boolean {
  return typeof checkpoint === "string" && openCheckpoint(checkpoint, key).kind === "opened";
}

function sizeIn(text: string): number {
  const size = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  if (size >= 1 && Number.isSafeInteger(size)) return size;
  throw new CommandError(`--from-size: expected a number of entries from 1, got ${text}`);
}

function isPinned(value: unknown): value is Pinned {
  if (!isPlainObject(value) || !isPlainObject(value["root"])) return false;
  const { treeSize, hash } = value["root"];
  return typeof value["resultId"] === "string" && typeof treeSize === "number" && typeof hash === "string";
}

/** Writes the evidence as it comes, with the consistency proof put into its first line. Returns how many entries it has. */
async function copy(
  chunks: AsyncIterable<Uint8Array>,
  pinned: Pinned & { readonly head: Members },
  write: Output["write"],
): Promise<number> {
  let [head, tail, isHead] = [Buffer.alloc(0), Buffer.alloc(0), true];
  for await (const chunk of chunks) {
    const headEnd = isHead ? chunk.indexOf(NEWLINE) + 1 || chunk.length : 0;
    if (isHead) {
      head = Buffer.concat([head, chunk.subarray(0, headEnd)]);
      if (head.length > MAX_ANSWER_BYTES) throw new CommandError("the download does not begin with its root");
      if (head.at(-1) !== NEWLINE) continue;
      isHead = false;
      await write(headLine(head.toString(), pinned));
    }
    const rest = chunk.subarray(headEnd);
    await write(rest);
    tail = Buffer.concat([tail, rest]).subarray(-LAST_LINE_BYTES);
  }
  const count = /(?:^|\n)\{"end":(\d+)\}\n$/.exec(tail.toString("latin1"))?.[1];
  if (count === undefined) throw new CommandError("the download broke off: it has no last line");
  return Number(count);
}

/** The download is of the tree that the search was pinned to, or it is not of that search. */
function headLine(text: string, { root: pinned, head: more }: Pinned & { readonly head: Members }): string {
  const { checkpoint, consistencyProof } = pinned;
  const head = membersIn(text);
  const root: unknown = Array.isArray(head["roots"]) ? head["roots"][0] : undefined;
  if (!isPlainObject(root) || root["checkpoint"] !== checkpoint)
    throw new CommandError("the download is of another root than the search");
  const roots = [{ ...root, ...(consistencyProof !== undefined && { consistencyProof }) }];
  return `${JSON.stringify({ ...head, ...more, roots })}\n`;
}
