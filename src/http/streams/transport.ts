import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";

/** Names of headers are in lower case. */
type Head = Pick<IncomingMessage, "method" | "headers">;
type Strategy = Parameters<FastifyInstance["addConstraintStrategy"]>[0];

/** Whether the client asks for a WebSocket (RFC 6455 section 4.1). */
export function isWebSocket({ method, headers }: Head): boolean {
  return method === "GET" && headers.upgrade?.toLowerCase() === "websocket";
}

/** Whether the client wants a stream and nothing else; one that names JSON as well can do without. */
function wantsEvents({ headers: { accept = "" } }: Head): boolean {
  return accept.includes("text/event-stream") && !accept.includes("json");
}

/** Whether the answer goes on for as long as the client likes. */
export function isStream(head: Head): boolean {
  return isWebSocket(head) || wantsEvents(head);
}

/** What routes may be constrained to, with the value true: three doors share the path /graphql. */
export const TRANSPORTS: readonly Strategy[] = [
  transport("events", wantsEvents, { isOptional: true }),
  // A route that says nothing of WebSockets opens none.
  transport("webSocket", isWebSocket, { isOptional: false }),
];

function transport(
  name: string,
  isAsked: (head: Head) => boolean,
  { isOptional }: { readonly isOptional: boolean },
): Strategy {
  return {
    name,
    mustMatchWhenDerived: !isOptional,
    storage: () => new Map(),
    deriveConstraint: (request) => (isAsked(request) ? true : undefined),
  };
}
