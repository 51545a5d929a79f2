import { verifierKeyText, type NoteVerifier } from "../core/checkpoint.js";
import { isPlainObject } from "../core/json.js";
import { invalid, VALID, type Verdict } from "../core/verdict.js";
import { apiUrl, ask, credential } from "./api.js";
import { explanation, type Output } from "./output.js";
import { jsonLine, printable, printableLines } from "./printable.js";
import { givenKey, rootIn, unsignedBecause, type SignedRoot } from "./signed-root.js";

export interface RootFlags {
  readonly url: string;
  /** The log's verifier key. */
  readonly key?: string;
  readonly log?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

const SHOWN = 0;
const NOT_SIGNED = 1;
const IMPOSSIBLE = 2;

const ROOT = /* GraphQL */ `
  query NewestRoot($log: ID) {
    root(log: $log) {
      treeSize
      hash
      publishedAt
      checkpoint
    }
  }
`;

interface Shown extends SignedRoot {
  readonly publishedAt: string;
}

/**
 * Prints a log's newest root, and with a key checks that it signed the root's size and hash. Returns the exit code: 0 it did,
 * or no key was given; 1 it did not; 2 it could not be found out. Rejects never.
 */
export async function showRoot(
  flags: RootFlags,
  { token, output }: { readonly token: string | undefined; readonly output: Output },
): Promise<number> {
  try {
    const gateway = { url: apiUrl(flags.url), token: await credential(flags.tokenFile, token) };
    const key = flags.key === undefined ? undefined : givenKey(flags.key);
    const { root } = await ask(gateway, { query: ROOT, variables: { log: flags.log } });
    const shown = { ...rootIn(root, gateway), publishedAt: timeIn(root) };
    const verdict = key && verdictOf(shown, key);
    await output.write(flags.json === true ? jsonLine({ ...shown, ...said(verdict) }) : told(shown));
    output.note(sentenceOf(verdict, key));
    return verdict?.kind === "INVALID" ? NOT_SIGNED : SHOWN;
  } catch (error) {
    output.note(`cannot show the root: ${explanation(error)}`);
    return IMPOSSIBLE;
  }
}

function timeIn(root: unknown): string {
  const time = isPlainObject(root) ? root["publishedAt"] : undefined;
  return typeof time === "string" ? time : "";
}

function verdictOf(root: SignedRoot, key: NoteVerifier): Verdict {
  const reason = unsignedBecause(root, key);
  return reason === undefined ? VALID : invalid(reason);
}

function said(verdict: Verdict | undefined) {
  if (verdict === undefined) return { verdict: "NONE" };
  return verdict.kind === "VALID" ? { verdict: verdict.kind } : { verdict: verdict.kind, reason: verdict.reason };
}

function told({ treeSize, hash, publishedAt, checkpoint }: Shown): string {
  const facts = `size  ${treeSize}\nhash  ${printable(hash)}\ntime  ${printable(publishedAt)}\n`;
  return `${facts}\n${printableLines(checkpoint)}`;
}

function sentenceOf(verdict: Verdict | undefined, key: NoteVerifier | undefined): string {
  if (verdict === undefined || key === undefined) return "nothing was verified: give the log's key, --key KEY";
  return verdict.kind === "VALID"
    ? `verified: ${verifierKeyText(key)} signed this size and hash`
    : `NOT VERIFIED: ${verdict.reason}: ${verifierKeyText(key)} did not sign this size and hash`;
}
