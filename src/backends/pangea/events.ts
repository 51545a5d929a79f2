import { badInput } from "../../audit/errors.js";
import { MAX_REQUEST_EVENTS, type LogRequest, type RefusedEvent, type SignedEvent } from "../../audit/service.js";
import { base64 } from "../../core/base64.js";
import { utf8 } from "../../core/bytes.js";
import { eventRules } from "../../core/event-rules.js";
import { parseEvent, type FieldProblem } from "../../core/event.js";
import type { LogFormat } from "../../core/format.js";
import type { JsonObject } from "../../core/json.js";
import { MAX_SIGNATURE_CHARACTERS, publicKeyText, signatureVerdict, type Ed25519 } from "../../core/signature.js";
import { unsupported } from "./shown.js";

/** Signs events with the gateway's own key: what the service's SDKs call local signing. */
export interface EventSigner {
  readonly format: LogFormat;
  readonly seed: Uint8Array;
  readonly ed25519: Ed25519;
}

/** The events of a request as the protocol takes them (sections 1.6 and 2.2), and those that it skips. */
export interface WireEvents {
  readonly items: readonly JsonObject[];
  readonly refused: readonly RefusedEvent[];
}

type Checked =
  | { readonly kind: "item"; readonly item: JsonObject }
  | { readonly kind: "bad"; readonly problems: readonly FieldProblem[] };

/** So many problems of an event that is skipped are told. */
const MAX_TOLD_PROBLEMS = 10;

/**
 * Checks a request before the service sees any of it. Throws BAD_USER_INPUT naming every bad path, unless the request
 * skips invalid events and has a valid one; UNSUPPORTED for an idempotency key, which the service has no place for.
 */
export function wireEvents(request: LogRequest, signer: EventSigner): WireEvents {
  const { events, path, sign, skipInvalid = false } = request;
  if (request.idempotencyKey !== undefined) {
    throw unsupported(
      "remember an idempotencyKey",
      "Leave it out, and after an open outcome search for the event first.",
    );
  }
  if (events.length < 1 || events.length > MAX_REQUEST_EVENTS) {
    throw badInput([{ path, expected: `1 to ${MAX_REQUEST_EVENTS} events`, got: String(events.length) }]);
  }
  const checked = events.map((event, i) =>
    checkEvent(event, path === "event" ? path : `events[${i}]`, { ...signer, sign }),
  );
  const items = checked.flatMap((one) => (one.kind === "item" ? [one.item] : []));
  const problems = checked.flatMap((one) => (one.kind === "bad" ? one.problems : []));
  if (problems.length > 0 && (!skipInvalid || items.length === 0)) throw badInput(problems);
  const refused = checked.flatMap((one, index) =>
    one.kind === "bad" ? [{ index, problems: one.problems.slice(0, MAX_TOLD_PROBLEMS) }] : [],
  );
  return { items, refused };
}

const RULES = eventRules("pangea");

function checkEvent(
  { event: given, signature, publicKey }: SignedEvent,
  path: string,
  { format, seed, ed25519, sign }: EventSigner & { readonly sign: boolean },
): Checked {
  const parsed = parseEvent(given, path, RULES);
  if (parsed.kind === "invalid") return { kind: "bad", problems: parsed.problems };
  // The protocol's events hold text only, and a text goes out as it came, whatever it looks like.
  const signed = format.signedText(parsed.event);
  const event = JSON.parse(signed) as JsonObject;
  if (signature === undefined && publicKey === undefined) {
    if (!sign) return { kind: "item", item: { event } };
    const own = base64(ed25519.sign(utf8(signed), seed));
    return { kind: "item", item: { event, signature: own, public_key: publicKeyText(ed25519.publicKey(seed)) } };
  }
  const problem = signatureProblem({ signature, publicKey }, path);
  if (problem !== undefined || signature === undefined || publicKey === undefined) {
    return { kind: "bad", problems: problem === undefined ? [] : [problem] };
  }
  const envelope = { event: parsed.event, received_at: "", signature, public_key: publicKey };
  if (signatureVerdict(envelope, format, ed25519).kind !== "VALID") {
    const expected = "base64 of the public key's Ed25519 signature over the event's canonical JSON";
    return {
      kind: "bad",
      problems: [{ path: `${path}.signature`, expected, got: "a signature that does not verify" }],
    };
  }
  return { kind: "item", item: { event, signature, public_key: publicKey } };
}

function signatureProblem(
  { signature, publicKey }: { readonly signature: string | undefined; readonly publicKey: string | undefined },
  path: string,
): FieldProblem | undefined {
  if (publicKey === undefined) return { path: `${path}.publicKey`, expected: "the signature's key", got: "nothing" };
  if (signature === undefined) return { path: `${path}.signature`, expected: "the key's signature", got: "nothing" };
  const [name, text] =
    signature.length > MAX_SIGNATURE_CHARACTERS ? ["signature", signature] : ["publicKey", publicKey];
  if (text.length <= MAX_SIGNATURE_CHARACTERS) return undefined;
  const expected = `at most ${MAX_SIGNATURE_CHARACTERS} characters`;
  return { path: `${path}.${name}`, expected, got: `${text.length} characters` };
}
