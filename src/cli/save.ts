import { open, readFile, rename, rm } from "node:fs/promises";
import { openCheckpoint, parseVerifierKey } from "../core/checkpoint.js";
import { isPlainObject } from "../core/problem.js";
import { nobleEd25519 } from "../core/signature.js";
import { FILE_MODE } from "../keys/private-file.js";
import { CommandError, explanation, type Output } from "./output.js";
import { Progress, withByteBar } from "./progress.js";

export interface SaveFlags {
  readonly url: string;
  /** The log's verifier key. */
  readonly key: string;
  readonly log?: string;
  readonly query?: string;
  /** Of a search made before. */
  readonly result?: string;
  readonly fromSize?: string;
  readonly tokenFile?: string;
  readonly out?: string;
}

const SAVED = 0;
const NOT_SAVED = 2;
/** Answers of the API that are read here hold one root and one link. */
const MAX_ANSWER_BYTES = 2 ** 20;
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
const DOWNLOAD = /* GraphQL */ `
  mutation DownloadEvidence($id: ID!, $everyMatch: Boolean!) {
    downloadResults(id: $id, everyMatch: $everyMatch, format: EVIDENCE) {
      url
    }
  }
`;

/**
 * Saves evidence of a search from a gateway: the download EVIDENCE, with the consistency proof from `fromSize` in its root.
 * Returns the exit code. Nothing is verified, but what breaks off is not saved. Rejects never.
 */
export async function saveEvidence(flags: SaveFlags, token: string | undefined, output: Output): Promise<number> {
  try {
    const gateway = { url: apiUrl(flags.url), token: await credential(flags, token) };
    if (parseVerifierKey(flags.key, nobleEd25519) === undefined)
      throw new CommandError("--key: expected a verifier key, as root { publicKey } returns it: origin+id+base64");
    const pinned = await pin(gateway, flags);
    const bar = new Progress("save: bytes", output.bar);
    const chunks = withByteBar(await download(gateway, pinned, flags), { bar, total: undefined });
    const count = await written(flags.out, output, (write) => copy(chunks, pinned, write));
    output.note(`saved ${count} entries of ${pinned.root.treeSize}, and the root of that size: keep its hash too`);
    output.note(`${pinned.root.treeSize} ${pinned.root.hash}`);
    return SAVED;
  } catch (error) {
    output.note(`cannot save: ${explanation(error)}`);
    return NOT_SAVED;
  }
}

/** Where the API is, and what it is asked with. */
interface Gateway {
  readonly url: URL;
  readonly token: string | undefined;
}

/** The root that the evidence leads to, and the result that it is downloaded by. */
interface Pinned {
  readonly resultId: string;
  readonly root: Members & { readonly treeSize: number; readonly hash: string };
}

type Members = Readonly<Record<string, unknown>>;

function apiUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new CommandError(`--url: expected an address such as http://127.0.0.1:4000/graphql, got ${text}`);
}

async function credential({ tokenFile }: SaveFlags, token: string | undefined): Promise<string | undefined> {
  const text = tokenFile === undefined ? token : await readFile(tokenFile, "utf8");
  const trimmed = text?.trim();
  if (trimmed === undefined || trimmed === "") return undefined;
  // What cannot stand in a header would be complained of with the credential in the message.
  if (!/^[\x21-\x7e]+$/.test(trimmed)) throw new CommandError("the credential is not one line of text");
  return trimmed;
}

async function pin(gateway: Gateway, { key, log, query = "", result, fromSize }: SaveFlags): Promise<Pinned> {
  const from = { fromSize: fromSize === undefined ? 1 : sizeIn(fromSize), hasFromSize: fromSize !== undefined };
  const { pinned } =
    result === undefined
      ? await ask(gateway, SEARCH, { query, log, ...from })
      : await ask(gateway, RESULT, { id: result, ...from });
  if (!isPinned(pinned)) throw new CommandError(`${gateway.url.href} answered without a root`);
  const { publicKey, log: name } = pinned.root;
  if (publicKey === key || isSignedBy(pinned.root, key)) return pinned;
  throw new CommandError(
    `the key that you gave is not that of the log ${JSON.stringify(name)}, which the gateway says is ${JSON.stringify(publicKey)}`,
  );
}

/** While a log is handed over to a new key, the one before it signs each root too. */
function isSignedBy({ checkpoint }: Pinned["root"], key: string): boolean {
  const verifier = parseVerifierKey(key, nobleEd25519);
  return (
    verifier !== undefined && typeof checkpoint === "string" && openCheckpoint(checkpoint, verifier).kind === "opened"
  );
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

/** The data of an answer without errors. Throws CommandError with what the gateway says is wrong. */
async function ask({ url, token }: Gateway, query: string, variables: Members): Promise<Members> {
  const response = await reached(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const answer = await answerOf(response);
  const errors = Array.isArray(answer["errors"]) ? answer["errors"].map(messageOf) : [];
  if (response.status === 401) {
    const hint = token === undefined ? "; set AUDITQL_TOKEN, or give --token-file" : "";
    throw new CommandError(`${errors.join("; ") || "the gateway refused the credential"}${hint}`);
  }
  const isApi = response.status !== 404 && response.status !== 405;
  if (isApi && errors.length > 0) throw new CommandError(errors.join("; "));
  if (isApi && isPlainObject(answer["data"])) return answer["data"];
  throw new CommandError(
    `${url.href} answered ${response.status}, and is no GraphQL API: give --url such as http://127.0.0.1:4000/graphql`,
  );
}

/** The members of a JSON object; of anything else, none. Throws CommandError on an answer that is too large. */
async function answerOf({ body }: Response): Promise<Members> {
  if (body === null) return {};
  const answer: AsyncIterable<Uint8Array> = body;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new CommandError(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return membersIn(Buffer.concat(chunks).toString());
}

/** Of a JSON object; none of anything else. */
function membersIn(text: string): Members {
  try {
    const value: unknown = JSON.parse(text);
    return isPlainObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** A message may come from anywhere; on a terminal its control characters could rewrite the lines above. */
function messageOf(error: unknown): string {
  const message = isPlainObject(error) ? error["message"] : undefined;
  return (typeof message === "string" ? message : "an error without a message").replace(/\p{Cc}/gu, "?");
}

/** Neither call follows a redirection: one would turn into another request, and take the credential along. */
async function reached(url: URL, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { redirect: "manual", ...request });
  } catch (error) {
    throw new CommandError(`${url.origin} cannot be reached: ${causeOf(error)}`);
  }
}

/** fetch says only that it failed; why is in its cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return "code" in cause ? String(cause.code) : cause.message;
}

async function download(
  gateway: Gateway,
  { resultId: id }: Pinned,
  { result }: SaveFlags,
): Promise<AsyncIterable<Uint8Array>> {
  const { downloadResults } = await ask(gateway, DOWNLOAD, { id, everyMatch: result === undefined });
  const link = isPlainObject(downloadResults) ? downloadResults["url"] : undefined;
  if (typeof link !== "string") throw new CommandError(`${gateway.url.href} answered without a link`);
  // The link stands for the credential, which is not sent to where it leads.
  const { status, body } = await reached(new URL(link, gateway.url), {});
  if (status === 200 && body !== null) return withoutFetchErrors(body);
  throw new CommandError(`the download was answered with ${status}`);
}

async function* withoutFetchErrors(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw new CommandError(`the download broke off: ${causeOf(error)}`);
  }
}

/** Writes the evidence as it comes, with the consistency proof put into its first line. Returns how many entries it has. */
async function copy(chunks: AsyncIterable<Uint8Array>, { root }: Pinned, write: Output["write"]): Promise<number> {
  let [head, tail, isHead] = [Buffer.alloc(0), Buffer.alloc(0), true];
  for await (const chunk of chunks) {
    const headEnd = isHead ? chunk.indexOf(NEWLINE) + 1 || chunk.length : 0;
    if (isHead) {
      head = Buffer.concat([head, chunk.subarray(0, headEnd)]);
      if (head.length > MAX_ANSWER_BYTES) throw new CommandError("the download does not begin with its root");
      if (head.at(-1) !== NEWLINE) continue;
      isHead = false;
      await write(headLine(head.toString(), root));
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
function headLine(text: string, { checkpoint, consistencyProof }: Pinned["root"]): string {
  const head = membersIn(text);
  const root: unknown = Array.isArray(head["roots"]) ? head["roots"][0] : undefined;
  if (!isPlainObject(root) || root["checkpoint"] !== checkpoint)
    throw new CommandError("the download is of another root than the search");
  const roots = [{ ...root, ...(consistencyProof !== undefined && { consistencyProof }) }];
  return `${JSON.stringify({ ...head, roots })}\n`;
}

/** A file gets its name when all of it is there, so that none that broke off is taken for evidence. */
async function written(
  path: string | undefined,
  { write }: Output,
  copyTo: (write: Output["write"]) => Promise<number>,
): Promise<number> {
  if (path === undefined) return copyTo(write);
  const part = `${path}.part`;
  const file = await open(part, "w", FILE_MODE);
  try {
    const count = await copyTo((piece) => file.appendFile(piece));
    await file.sync();
    await rename(part, path);
    return count;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}
