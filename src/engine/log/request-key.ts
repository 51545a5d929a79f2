import type { CheckedRequest } from "../../audit/checked-request.js";
import type { Entry, LogRequest } from "../../audit/service.js";
import { equalBytes, utf8 } from "../../core/bytes.js";
import type { LogFormat } from "../../core/format.js";
import { canonicalJson } from "../../core/json.js";
import { nodeSha256 } from "../../keys/node-crypto.js";

/** Identifies a repeated request. Hashes, so that a log stores neither keys nor owners, and all rows have one size. */
export interface RequestKey {
  /** 32 bytes: SHA-256 of the owner and the owner's key. */
  readonly key: Uint8Array;
  /** 32 bytes: SHA-256 of the parsed events, of whether to sign them, and of the indexes of skipped ones. */
  readonly requestDigest: Uint8Array;
}

/** How many keys in a request's entries are tried as the gateway's: it has one, and few authors share a request. */
const MAX_KEYS = 8;

/** A request with the owner of its key, if it has one. */
export interface OwnedRequest extends LogRequest {
  readonly keyOwner?: string | undefined;
}

export interface KeyedRequest extends OwnedRequest {
  readonly idempotencyKey: string;
}

export function isKeyed(request: OwnedRequest): request is KeyedRequest {
  return request.idempotencyKey !== undefined;
}

/** The key of a request whose events are checked. */
export function requestKeyOf(request: KeyedRequest, checked: CheckedRequest, format: LogFormat): RequestKey {
  const { idempotencyKey, keyOwner, sign, skipInvalid = false } = request;
  // Only the caller's own signature counts: the gateway's follows from the event and `sign`.
  const events = checked.accepted.map(({ checked: { event }, sent: { signature, publicKey } }): AskedEvent => {
    return [format.signedText(event), signature ?? null, publicKey ?? null];
  });
  const asked = { events, sign, ...(skipInvalid && { skipped: checked.refused.map(({ index }) => index) }) };
  return {
    key: keyOf(keyOwner, idempotencyKey),
    requestDigest: requestDigestOf(asked),
  };
}

/** The key under which a log keeps an owner's idempotency key: see RequestKey. */
export function keyOf(owner = "", idempotencyKey: string): Uint8Array {
  return nodeSha256(utf8(canonicalJson([owner, idempotencyKey])));
}

/** An event's signed text, and its author's signature and public key. */
type AskedEvent = readonly [text: string, signature: string | null, publicKey: string | null];

interface Asked {
  readonly events: readonly AskedEvent[];
  readonly sign: boolean;
  /** Indexes of the skipped events; absent unless the request may skip events. */
  readonly skipped?: readonly number[];
}

function requestDigestOf(asked: Asked): Uint8Array {
  return nodeSha256(utf8(canonicalJson({ ...asked })));
}

/**
 * Whether entries are what the request with this digest asked to log. An entry does not say whether its author signed
 * it or the gateway did, so each key in it is tried as the gateway's; the digest decides.
 */
export function areAskedFor(requestDigest: Uint8Array, entries: readonly Entry[], format: LogFormat): boolean {
  const asked = (gatewayKey?: string): readonly AskedEvent[] =>
    entries.map(({ envelope: { event, signature, public_key: publicKey } }) =>
      publicKey === undefined || publicKey === gatewayKey
        ? [format.signedText(event), null, null]
        : [format.signedText(event), signature ?? null, publicKey],
    );
  const keys = new Set(entries.flatMap(({ envelope }) => envelope.public_key ?? []));
  const possible = [
    requestDigestOf({ events: asked(), sign: false }),
    requestDigestOf({ events: asked(), sign: true }),
    ...[...keys].slice(0, MAX_KEYS).map((key) => requestDigestOf({ events: asked(key), sign: true })),
  ];
  return possible.some((digest) => equalBytes(digest, requestDigest));
}
