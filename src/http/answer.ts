import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";

/** On every answer: a browser takes it for what it says it is, and keeps no copy of what may be secret. */
export const SAFE = { "x-content-type-options": "nosniff", "cache-control": "no-store" };

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function jsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const type = { "content-type": "application/json; charset=utf-8" };
  return { status, headers: { ...type, ...headers }, body: JSON.stringify(value) };
}

/** Sends an answer; what its client has not taken of it is kept in memory while that takes something every `slowMs`. */
export function send(reply: FastifyReply, { status, headers, body }: Answer, slowMs: number): FastifyReply {
  reply.code(status).headers(SAFE).headers(headers).send(body);
  giveUpUnread(reply, slowMs);
  return reply;
}

/** Cuts a client that takes nothing of its answer for so long. */
export function giveUpUnread({ raw }: FastifyReply, slowMs: number): void {
  if (!raw.writableFinished) raw.setTimeout(slowMs, () => raw.destroy());
}

/** Begins an answer that is written piece by piece, and that the framework has no more to do with. */
export function begin(reply: FastifyReply, headers: Readonly<Record<string, string>>): ServerResponse {
  for (const [name, value] of Object.entries(reply.headers(headers).getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value);
  reply.hijack();
  return reply.raw.writeHead(200);
}
