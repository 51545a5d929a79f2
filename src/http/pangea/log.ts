import { holdsAny } from "../../audit/principal.js";
import type { Entry, LogRequest, Logged, SignedEvent } from "../../audit/service.js";
import type { Envelope } from "../../core/event.js";
import { membershipText } from "../../core/proof-text.js";
import { bodiesOf, configOf } from "./config.js";
import type { Ask, Outcome } from "./endpoint.js";
import type { LogBulkBody, WireEvent } from "./requests.js";
import { proofText } from "./roots.js";

/** POST /v1/log: one event; `verbose` adds the envelope and the proofs. */
export async function serveLog(ask: Ask): Promise<Outcome> {
  const body = (await bodiesOf(ask)).log(ask.body);
  const { log } = await configOf(ask, body.config_id);
  const logged = await ask.service.append({ ...requestOf(ask, [body]), log, path: "event" });
  const [entry] = logged.entries;
  if (entry === undefined) throw new Error("the receipt of one event holds no entry");
  const proofs = body.verbose === true ? await proofsOf(ask, { entry, logged, prevRoot: body.prev_root }) : {};
  return { kind: "success", summary: "Logged 1 record(s)", result: { ...wireEntry(entry, body.verbose), ...proofs } };
}

/** POST /v2/log: 1 to 1,000 events, all or none. */
export async function serveLogBulk(ask: Ask): Promise<Outcome> {
  const body = (await bodiesOf(ask)).logBulk(ask.body);
  return bulkOutcome(await ask.service.append(await bulkRequest(ask, body)), body.verbose);
}

export async function bulkRequest(ask: Ask, body: LogBulkBody): Promise<LogRequest> {
  const { log } = await configOf(ask, body.config_id);
  return { ...requestOf(ask, body.events), log, path: "events" };
}

export function bulkOutcome({ entries }: Logged, verbose = false): Outcome & { readonly kind: "success" } {
  const results = entries.map((entry) => wireEntry(entry, verbose));
  return { kind: "success", summary: `Logged ${entries.length} record(s)`, result: { results } };
}

function requestOf(
  { key }: Ask,
  events: readonly WireEvent[],
): Pick<LogRequest, "events" | "sign" | "idempotencyKey" | "isNewKey"> {
  return { events: events.map(signedEvent), sign: false, ...key };
}

function signedEvent({ event, signature, public_key }: WireEvent): SignedEvent {
  return {
    event,
    ...(signature !== undefined && { signature }),
    ...(public_key !== undefined && { publicKey: public_key }),
  };
}

interface WireEntry {
  readonly hash: string;
  readonly envelope?: Envelope;
}

function wireEntry({ hash, envelope }: Entry, verbose = false): WireEntry {
  return { hash, ...(verbose && { envelope }) };
}

interface Proven {
  readonly entry: Entry;
  readonly logged: Logged;
  /** The hash of the root that the client saw last. */
  readonly prevRoot: string | undefined;
}

/** The root that includes the entry, with the proofs that lead to it from the entry and from the client's own root. */
async function proofsOf({ service, principal, shared }: Ask, { entry, logged, prevRoot }: Proven): Promise<object> {
  const { root } = logged;
  const { log, treeSize } = root;
  shared.knownRoots.remember(root);
  const [membership] = await service.membershipProofs({ log, treeSize, leafIndexes: [entry.leafIndex] });
  if (membership === undefined) throw new Error("no membership proof of the one leaf asked for");
  const fromSize = prevRoot === undefined ? undefined : shared.knownRoots.sizeOf(log, prevRoot);
  // A caller that may only log learns nothing about other sizes, and a repeated request may be older than the client's
  // root.
  const isProvable = fromSize !== undefined && fromSize < treeSize && holdsAny(principal, ["audit:read"]);
  return {
    unpublished_root: root.hash,
    membership_proof: membershipText(membership),
    ...(isProvable && { consistency_proof: await proofText(service, log, { fromSize, toSize: treeSize }) }),
  };
}
