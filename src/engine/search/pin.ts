import type { LeafRange } from "../../core/tree.js";
import { REJECTED_TOKEN, type TokenSealer } from "../../keys/sealed-token.js";
import type { EntryOrder } from "../../query/order.js";
import type { Restriction } from "../../query/restriction.js";
import type { TimeWindow } from "../../query/time.js";

/** Where in time a search stands: fixed when it was first made, the same for all its pages. */
export interface PinnedState {
  readonly treeSize: number;
  /** The leaves in the pinned tree and the time window. */
  readonly range: LeafRange;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** What was searched for, as its caller wrote it: two searches are the same if all of this is. */
export interface SearchArguments {
  readonly log: string;
  readonly query: string;
  readonly window: TimeWindow;
  readonly restriction: Restriction;
  readonly order: EntryOrder;
  /** Null: a result ends where its matches do. */
  readonly maxResults: number | null;
  /** What the credential of its caller allows; no fields if that is everything. */
  readonly bound: Restriction;
}

/** A search frozen at a tree size. It needs no stored result: the log only grows, so the same pin finds the same leaves. */
export interface Pin {
  readonly search: SearchArguments;
  readonly state: PinnedState;
}

/** A client's result id: its content, or what is wrong with it in the words of an error. */
export type OpenedPin =
  { readonly kind: "opened"; readonly pin: Pin } | { readonly kind: "rejected"; readonly got: string };

/** Goes up when the shape of a pin changes: ids of another version are refused, not misread. */
const VERSION = 1;

/** A result id: the whole pin as JSON under our MAC, so that any gateway with the same key can go on with it. */
export function sealPin(sealer: TokenSealer, pin: Pin): string {
  return sealer.seal("result", Buffer.from(JSON.stringify({ version: VERSION, ...pin })));
}

export function openPin(sealer: TokenSealer, id: string, nowMs: number): OpenedPin {
  const opened = sealer.open("result", id);
  if (opened.kind === "rejected") return { kind: "rejected", got: REJECTED_TOKEN[opened.reason] };
  const pin: unknown = JSON.parse(opened.payload.toString());
  if (!isPin(pin)) return { kind: "rejected", got: "a result of another version of this service" };
  return pin.state.expiresAtMs <= nowMs ? { kind: "rejected", got: "an expired result" } : { kind: "opened", pin };
}

/** Only sealPin could have written what opened, so the version is all there is to check. */
function isPin(value: unknown): value is Pin {
  return typeof value === "object" && value !== null && "version" in value && value.version === VERSION;
}
