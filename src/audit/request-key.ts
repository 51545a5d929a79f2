import { utf8 } from "../core/bytes.js";
import { characterCount } from "../core/event.js";
import type { LogFormat } from "../core/format.js";
import { canonicalJson } from "../core/json.js";
import { textProblems, type FieldProblem } from "../core/problem.js";
import type { CheckedEvent } from "./leaf.js";
import { nodeSha256 } from "./node-crypto.js";
import type { LogRequest } from "./service.js";

/** What tells a repeated request from a new one. Hashes, so that a log keeps neither keys nor owners, in rows of one size. */
export interface RequestKey {
  /** 32 bytes: SHA-256 of the owner and the owner's key. */
  readonly key: Uint8Array;
  /** 32 bytes: SHA-256 of the events as they were parsed, and of whether to sign them. */
  readonly requestDigest: Uint8Array;
}

const MAX_KEY_CHARACTERS = 128;

/** What is wrong with a request's idempotency key, if it has one. */
export function keyProblems({ idempotencyKey }: LogRequest): readonly FieldProblem[] {
  if (idempotencyKey === undefined) return [];
  const path = "idempotencyKey";
  const characters = characterCount(idempotencyKey);
  if (characters >= 1 && characters <= MAX_KEY_CHARACTERS) return textProblems(idempotencyKey, path);
  return [{ path, expected: `1 to ${MAX_KEY_CHARACTERS} characters`, got: String(characters) }];
}

export interface KeyedRequest extends LogRequest {
  readonly idempotencyKey: string;
}

export function isKeyed(request: LogRequest): request is KeyedRequest {
  return request.idempotencyKey !== undefined;
}

/** The key of a request whose events were checked. */
export function requestKeyOf(request: KeyedRequest, checked: readonly CheckedEvent[], format: LogFormat): RequestKey {
  const { idempotencyKey, keyOwner = "", sign } = request;
  const events = checked.map(({ event }, place) => {
    // The caller's own signature alone: the gateway's follows from the event and `sign`.
    const { signature, publicKey } = request.events[place] ?? {};
    return [format.signedText(event), signature ?? null, publicKey ?? null];
  });
  return {
    key: nodeSha256(utf8(canonicalJson([keyOwner, idempotencyKey]))),
    requestDigest: nodeSha256(utf8(canonicalJson({ events, sign }))),
  };
}
