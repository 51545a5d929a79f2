import type { FastifyInstance } from "fastify";
import { timeText } from "../../audit/clock.js";
import { principalOf, writtenPrincipal, type Principal, type WrittenPrincipal } from "../../audit/principal.js";
import { JsonTokens, type TokenSealer } from "../../keys/sealed-token.js";
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

interface SealedHolder {
  /** The principal as it was authenticated when it asked for the token. */
  readonly principal: WrittenPrincipal;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

const TOKENS = new JsonTokens<SealedHolder>("stream", 1);

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
  return TOKENS.seal(sealer, { principal: writtenPrincipal(principal), expiresAtMs });
}

/** The principal that a token stands for; undefined if it stands for none, or has expired. */
export function openStreamToken(sealer: TokenSealer, token: string, nowMs: number): Principal | undefined {
  const opened = TOKENS.open(sealer, token);
  if (opened.kind === "rejected" || opened.content.expiresAtMs <= nowMs) return undefined;
  return principalOf(opened.content.principal);
}
