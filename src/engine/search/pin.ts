import type { LeafRange } from "../../core/tree.js";
import { JsonTokens, type OpenedContent, type TokenSealer } from "../../keys/sealed-token.js";
import type { EntryOrder } from "../../query/order.js";
import type { Restriction } from "../../query/filter.js";
import type { TimeWindow } from "../../query/time.js";

/** What a search is pinned to: fixed when it was first made, the same for all its pages. */
export interface PinnedState {
  readonly treeSize: number;
  /** The leaves in the pinned tree and the time window. */
  readonly range: LeafRange;
  /** What relative times of its window count back from. Milliseconds since 1970. */
  readonly pinnedAtMs: number;
  readonly expiresAtMs: number;
}

/** The arguments of a search as its caller wrote them: two searches are the same if all of these are. */
export interface SearchArguments {
  readonly log: string;
  readonly query: string;
  /** Null: the whole log. */
  readonly window: TimeWindow | null;
  readonly restriction: Restriction;
  readonly order: EntryOrder;
  /** Null: the result has all matches. */
  readonly maxResults: number | null;
  /** What its caller's credential allows; no fields if it allows everything. */
  readonly bound: Restriction;
}

/**
 * A search pinned to a tree size. It needs no stored result: the log only grows, so the same pin finds the same leaves.
 */
export interface Pin {
  readonly search: SearchArguments;
  readonly state: PinnedState;
}

const PINS = new JsonTokens<Pin>("result", 2);

/** A result id: the whole pin as JSON under a MAC, so that any gateway with the same key can use it. */
export function sealPin(sealer: TokenSealer, pin: Pin): string {
  return PINS.seal(sealer, pin);
}

/** A client's result id, opened. */
export function openPin(sealer: TokenSealer, id: string, nowMs: number): OpenedContent<Pin> {
  const opened = PINS.open(sealer, id);
  if (opened.kind === "rejected" || opened.content.state.expiresAtMs > nowMs) return opened;
  return { kind: "rejected", got: "an expired result" };
}
