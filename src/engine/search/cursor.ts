import { createHash } from "node:crypto";
import { canonicalJson } from "../../core/json.js";
import { REJECTED_TOKEN, type TokenSealer } from "../../keys/sealed-token.js";
import type { PinnedState, SearchArguments } from "./pin.js";

/** The content of a cursor: a position in one search, and the state that the search is pinned to. */
export interface Cursor {
  readonly state: PinnedState;
  readonly position: number;
}

/** A client's cursor, opened: its content, or what is wrong with it, as an error says it. */
export type OpenedCursor =
  { readonly kind: "opened"; readonly cursor: Cursor } | { readonly kind: "rejected"; readonly got: string };

const DIGEST_BYTES = 16;
const NUMBER_BYTES = 8;
const NUMBERS = 6;

/**
 * Makes and opens the cursors of one search. A cursor carries the pin (so that `search` can continue from it) and a
 * digest of the arguments (so that it fits no other search, log or tenant), but not the arguments, which the client
 * sends again. Payload: six big-endian doubles (exact to 2^53), then 16 bytes of SHA-256.
 */
export class Cursors {
  private readonly digest: Buffer;

  constructor(
    private readonly sealer: TokenSealer,
    search: SearchArguments,
  ) {
    this.digest = argumentsDigest(search);
  }

  seal({ state, position }: Cursor): string {
    const payload = Buffer.alloc(NUMBERS * NUMBER_BYTES + DIGEST_BYTES);
    const numbers = [
      ...[state.treeSize, state.range.start, state.range.end, state.pinnedAtMs, state.expiresAtMs],
      position,
    ];
    numbers.forEach((number, i) => payload.writeDoubleBE(number, i * NUMBER_BYTES));
    this.digest.copy(payload, NUMBERS * NUMBER_BYTES);
    return this.sealer.seal("cursor", payload);
  }

  open(text: string, nowMs: number): OpenedCursor {
    const opened = this.sealer.open("cursor", text);
    if (opened.kind === "rejected") return { kind: "rejected", got: REJECTED_TOKEN[opened.reason] };
    if (!opened.payload.subarray(NUMBERS * NUMBER_BYTES).equals(this.digest)) {
      return { kind: "rejected", got: "a cursor of another search" };
    }
    const cursor = readCursor(opened.payload);
    if (cursor.state.expiresAtMs <= nowMs) return { kind: "rejected", got: "an expired cursor" };
    return { kind: "opened", cursor };
  }
}

function readCursor(payload: Buffer): Cursor {
  const number = (i: number): number => payload.readDoubleBE(i * NUMBER_BYTES);
  return {
    state: {
      treeSize: number(0),
      range: { start: number(1), end: number(2) },
      pinnedAtMs: number(3),
      expiresAtMs: number(4),
    },
    position: number(5),
  };
}

function argumentsDigest(search: SearchArguments): Buffer {
  const { log, query, window, restriction, order, maxResults, bound } = search;
  const text = canonicalJson({
    log,
    query,
    window: { ...window },
    restriction: { ...restriction },
    order: { ...order },
    maxResults,
    bound: { ...bound },
  });
  return createHash("sha256").update(text).digest().subarray(0, DIGEST_BYTES);
}
