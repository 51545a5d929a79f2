import { readFile } from "node:fs/promises";
import { base64 } from "../core/bytes.js";
import { noteVerifier, parseVerifierKey, verifierKeyText, type NoteVerifier } from "../core/checkpoint.js";
import { remembering } from "../core/evidence/checks.js";
import { FORMAT_NAMES } from "../core/format.js";
import { parsePublicKey, type Ed25519 } from "../core/signature.js";
import { trustLog, type TrustedLog } from "../core/verify.js";
import { nodeSha256 } from "../keys/node-crypto.js";
import { EvidenceError } from "../core/evidence/reader.js";

/** The logs' keys that the user trusts, by the origin that each is of. */
export type TrustedKeys = ReadonlyMap<string, NoteVerifier>;

/** Where the user says which keys to trust: one verifier key (C2SP signed-note), or a file of them. */
export interface TrustFlags {
  readonly key?: string;
  readonly trust?: string;
}

/** The log that evidence is checked as. */
export interface OpenedLog {
  readonly log: TrustedLog;
  /** As a C2SP verifier key. */
  readonly keyText: string;
  /** Whose word it is that this is the log's key; of a `stranger`, no trusted key is. */
  readonly trust: "given" | "inside the file" | "stranger";
}

/** What every command takes as a log's key. */
export const KEY_EXPECTED = "expected a verifier key, as root { publicKey } returns it: origin+id+base64";

/** Undefined when the user names no key. Throws EvidenceError on a key that is none. */
export async function readTrustedKeys({ key, trust }: TrustFlags, ed25519: Ed25519): Promise<TrustedKeys | undefined> {
  if (key !== undefined) return keysOf([{ text: key, place: "--key" }], ed25519);
  if (trust === undefined) return undefined;
  const lines = (await readFile(trust, "utf8"))
    .split("\n")
    .map((line, i) => ({ text: line.trim(), place: `${trust}:${i + 1}` }));
  const given = lines.filter(({ text }) => text !== "" && !text.startsWith("#"));
  if (given.length === 0) throw new EvidenceError(`${trust} holds no key`);
  return keysOf(given, ed25519);
}

function keysOf(given: readonly { readonly text: string; readonly place: string }[], ed25519: Ed25519): TrustedKeys {
  const keys = new Map<string, NoteVerifier>();
  for (const { text, place } of given) {
    const key = parseVerifierKey(text, ed25519);
    if (key === undefined) throw new EvidenceError(`${place}: ${KEY_EXPECTED}`);
    const other = keys.get(key.name);
    if (other !== undefined && verifierKeyText(other) !== text)
      throw new EvidenceError(`${place}: there is another key of ${key.name} above: keep the one that is right`);
    keys.set(key.name, key);
  }
  return keys;
}

/**
 * The log that the head of evidence names. With trusted keys, `publicKey` in the file counts for nothing, and `origin` may
 * be left out where there is one key. Throws EvidenceError where the head does not say what is to be checked.
 */
export function openLog(
  head: ReadonlyMap<string, unknown>,
  keys: TrustedKeys | undefined,
  ed25519: Ed25519,
): OpenedLog {
  const [only, second] = keys?.values() ?? [];
  const origin = head.get("origin") ?? (second === undefined ? only?.name : undefined);
  if (typeof origin !== "string") throw new EvidenceError('"origin" is not the name of a log');
  const trusted = keys?.get(origin);
  const publicKey = trusted ?? only ?? keyInside(head, origin, ed25519);
  const key = orWrong(() => noteVerifier(origin, publicKey.publicKey, ed25519));
  const trust = keys === undefined ? "inside the file" : trusted === undefined ? "stranger" : "given";
  return { log: trustedLog(head, key, ed25519), keyText: verifierKeyText(key), trust };
}

function trustedLog(head: ReadonlyMap<string, unknown>, key: NoteVerifier, ed25519: Ed25519): TrustedLog {
  const format = FORMAT_NAMES.find((name) => name === head.get("format"));
  if (format === undefined) throw new EvidenceError(`"format" is not one of ${FORMAT_NAMES.join(", ")}`);
  const identity = { format, origin: key.name, publicKey: base64(key.publicKey) };
  return remembering(orWrong(() => trustLog(identity, { sha256: nodeSha256, ed25519 })));
}

/** A verifier key names the log it is of, so it must name this one; PEM and base64 name none. */
function keyInside(
  head: ReadonlyMap<string, unknown>,
  origin: string,
  ed25519: Ed25519,
): Pick<NoteVerifier, "publicKey"> {
  const text = head.get("publicKey");
  if (typeof text !== "string") throw new EvidenceError('"publicKey" is not a text: name the log\'s key with --key');
  const key = parseVerifierKey(text, ed25519);
  if (key !== undefined && key.name !== origin)
    throw new EvidenceError(`"publicKey" is of ${key.name}, "origin" is ${JSON.stringify(origin)}`);
  const publicKey = key?.publicKey ?? parsePublicKey(text);
  if (publicKey === undefined) throw new EvidenceError('"publicKey" is not an Ed25519 key');
  return { publicKey };
}

/** Core throws on names and keys that are none, for there they come from the caller. */
function orWrong<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new EvidenceError(error instanceof Error ? error.message : String(error));
  }
}
