import { base64 } from "../core/base64.js";
import { parseVerifierKey } from "../core/checkpoint.js";
import type { EntryClaim, RootClaim } from "../core/claim.js";
import { FORMAT_NAMES } from "../core/format.js";
import { nobleEd25519 } from "../core/signature.js";
import { trustLog, type TrustedLog } from "../core/verify.js";

/** What was read from a file: a log to trust, and what some server says is in it. */
export interface VerifyDocument {
  readonly log: TrustedLog;
  readonly entries: readonly EntryClaim[];
  readonly roots: readonly RootClaim[];
}

/** The file is no document of entries and roots; the message says what is missing. */
export class DocumentError extends Error {
  override readonly name = "DocumentError";
}

/**
 * Reads `{format, origin, publicKey, entries: […], roots: […]}`, entries and roots as the API answers them.
 * `publicKey` is a C2SP verifier key as `Root.publicKey` shows it, or base64 or PEM. Throws DocumentError.
 */
export function readDocument(text: string): VerifyDocument {
  const document = parseObject(text);
  const entries = listOf(document, "entries", isEntryClaim);
  const roots = listOf(document, "roots", isRootClaim);
  if (entries.length + roots.length === 0) throw new DocumentError("there are neither entries nor roots to check");
  return { log: trusted(document), entries, roots };
}

type Members = Readonly<Record<string, unknown>>;

function parseObject(text: string): Members {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DocumentError("the file is not JSON");
  }
  if (!isObject(value)) throw new DocumentError("the file holds no JSON object");
  return value;
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Proofs and checkpoints are not looked at here: the verifier believes no part of them, not even their types. */
function isEntryClaim(item: unknown): item is EntryClaim {
  return isObject(item) && isSize(item["leafIndex"]) && isText(item["hash"]) && isText(item["canonical"]);
}

function isRootClaim(item: unknown): item is RootClaim {
  return isObject(item) && isSize(item["treeSize"]) && isText(item["hash"]);
}

const isSize = (value: unknown) => Number.isSafeInteger(value);
const isText = (value: unknown) => typeof value === "string";

function listOf<T>(document: Members, name: string, isItem: (item: unknown) => item is T): readonly T[] {
  const items: unknown = document[name] ?? [];
  if (!Array.isArray(items)) throw new DocumentError(`"${name}" is not a list`);
  return items.map((item: unknown, i) => {
    if (isItem(item)) return item;
    throw new DocumentError(`${name}[${i}] lacks a place, a hash or its text`);
  });
}

function trusted(document: Members): TrustedLog {
  const format = FORMAT_NAMES.find((name) => name === document["format"]);
  if (format === undefined) throw new DocumentError(`"format" is not one of ${FORMAT_NAMES.join(", ")}`);
  const origin = textOf(document, "origin");
  try {
    return trustLog({ format, origin, publicKey: keyOf(textOf(document, "publicKey"), origin) });
  } catch (error) {
    throw new DocumentError(error instanceof Error ? error.message : String(error));
  }
}

function textOf(document: Members, name: string): string {
  const value = document[name];
  if (typeof value === "string") return value;
  throw new DocumentError(`"${name}" is not a text`);
}

/** A verifier key names the log it is of, so it must name this one. */
function keyOf(text: string, origin: string): string {
  const key = parseVerifierKey(text, nobleEd25519);
  if (key !== undefined && key.name !== origin) {
    throw new DocumentError(`"publicKey" is of ${key.name}, "origin" is ${origin}`);
  }
  return key === undefined ? text : base64(key.publicKey);
}
