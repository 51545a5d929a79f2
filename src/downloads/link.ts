import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { DownloadFormat } from "../audit/download-link.js";
import { badInput } from "../audit/errors.js";
import { principalOf, writtenPrincipal, type Principal, type WrittenPrincipal } from "../audit/principal.js";
import type { TokenSealer } from "../keys/sealed-token.js";

/** What a link opens, and on whose behalf. */
export interface LinkClaims {
  /** The principal as it was authenticated when it asked for the link. */
  readonly principal: Principal;
  /** The result's `PinnedResult.id`. */
  readonly id: string;
  readonly everyMatch: boolean;
  readonly format: DownloadFormat;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

export type OpenedLink =
  | { readonly kind: "opened"; readonly claims: LinkClaims }
  | { readonly kind: "rejected"; readonly reason: "unknown" | "expired" };

/** Proxies and servers commonly refuse a request line of more than 8 KiB. */
const MAX_TOKEN_CHARACTERS = 7_000;

/** Incremented when the shape of a token changes: tokens of another version are unknown, not misread. */
const VERSION = 1;

interface SealedClaims {
  readonly version: typeof VERSION;
  readonly claims: Omit<LinkClaims, "principal">;
  readonly principal: WrittenPrincipal;
}

/**
 * The token of a link: all its claims under a MAC, so that every gateway of a deployment can open it. Throws
 * BAD_USER_INPUT when the search is too long for a link.
 */
export function sealLink(sealer: TokenSealer, { principal, ...claims }: LinkClaims): string {
  const sealed: SealedClaims = { version: VERSION, claims, principal: writtenPrincipal(principal) };
  const token = sealer.seal("download", deflateRawSync(JSON.stringify(sealed)));
  if (token.length <= MAX_TOKEN_CHARACTERS) return token;
  const expected = `a search that fits into a link of ${MAX_TOKEN_CHARACTERS} characters: shorten its query or restriction`;
  throw badInput([{ path: "id", expected, got: `a search that takes ${token.length}` }]);
}

export function openLink(sealer: TokenSealer, token: string, nowMs: number): OpenedLink {
  const opened = sealer.open("download", token);
  const sealed: unknown = opened.kind === "opened" ? JSON.parse(inflateRawSync(opened.payload).toString()) : undefined;
  if (!isSealedClaims(sealed)) return { kind: "rejected", reason: "unknown" };
  const { principal, claims } = sealed;
  if (claims.expiresAtMs <= nowMs) return { kind: "rejected", reason: "expired" };
  return { kind: "opened", claims: { ...claims, principal: principalOf(principal) } };
}

/** What opens was written by sealLink, so only the version has to be checked. */
function isSealedClaims(value: unknown): value is SealedClaims {
  return typeof value === "object" && value !== null && "version" in value && value.version === VERSION;
}
