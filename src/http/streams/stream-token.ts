import type { FastifyInstance } from "fastify";
import { timeText } from "../../audit/clock.js";
import { principalOf, writtenPrincipal, type Principal, type WrittenPrincipal } from "../../audit/principal.js";
import type { TokenSealer } from "../../keys/sealed-token.js";
import { becameKnown, type Admit } from "../admission.js";
import { jsonAnswer, send } from "../answer.js";
import type { Readiness } from "../server.js";

export interface StreamTokensOptions {
  readonly admit: Admit;
  readonly sealer: TokenSealer;
  readonly readiness: Readiness;
  /** How long a client may leave sent data unread. */
  readonly slowMs: number;
}

/** Long enough for an EventSource to connect again after a short loss; short enough to leave in a log of URLs. */
const TTL_MS = 5 * 60 * 1_000;
/** Incremented when the shape of a token changes: tokens of another version are unknown, not misread. */
const VERSION = 1;

interface SealedHolder {
  readonly version: typeof VERSION;
  /** The principal as it was authenticated when it asked for the token. */
  readonly principal: WrittenPrincipal;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/**
 * POST /stream-tokens, with a credential: a token that stands for it in the URL of an EventSource, which can set no header.
 * It opens streams for five minutes and does nothing else; the streams end with the credential.
 */
export function streamTokensDoor(
  app: FastifyInstance,
  { admit, sealer, readiness, slowMs }: StreamTokensOptions,
): void {
  app.post("/stream-tokens", async (request, reply) => {
    readiness.requireOpen();
    const { principal } = await admit(request.headers);
    becameKnown(request, principal.id);
    const expiresAtMs = Math.min(Date.now() + TTL_MS, principal.expiresAtMs ?? Infinity);
    const token = sealStreamToken(sealer, principal, expiresAtMs);
    return send(reply, jsonAnswer(201, { token, expiresAt: timeText(expiresAtMs * 1_000) }), slowMs);
  });
}

/** All that a token says is under its MAC, so that every gateway of a deployment can open it. */
export function sealStreamToken(sealer: TokenSealer, principal: Principal, expiresAtMs: number): string {
  const sealed: SealedHolder = { version: VERSION, principal: writtenPrincipal(principal), expiresAtMs };
  return sealer.seal("stream", Buffer.from(JSON.stringify(sealed)));
}

/** The principal that a token stands for; undefined if it stands for none, or has expired. */
export function openStreamToken(sealer: TokenSealer, token: string, nowMs: number): Principal | undefined {
  const opened = sealer.open("stream", token);
  const sealed: unknown = opened.kind === "opened" ? JSON.parse(opened.payload.toString()) : undefined;
  if (!isSealedHolder(sealed) || sealed.expiresAtMs <= nowMs) return undefined;
  return principalOf(sealed.principal);
}

/** What opens was written by sealStreamToken, so only the version has to be checked. */
function isSealedHolder(value: unknown): value is SealedHolder {
  return typeof value === "object" && value !== null && "version" in value && value.version === VERSION;
}
