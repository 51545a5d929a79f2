import type { OperationTypeNode } from "graphql";
import type { MakeLink } from "../../audit/download-link.js";
import type { Principal } from "../../audit/principal.js";
import type { AuditService, LogRequest } from "../../audit/service.js";
import type { TokenSealer } from "../../keys/sealed-token.js";
import type { KnownRoots } from "./known-roots.js";

/** One request, as an endpoint sees it. */
export interface Ask {
  /** JSON, unchecked; undefined: none was sent. */
  readonly body: unknown;
  readonly principal: Principal;
  readonly service: AuditService;
  readonly requestId: string;
  /** The key that makes a repeated request log nothing twice, and whether this request is the first to have it. */
  readonly key: Pick<Required<LogRequest>, "idempotencyKey" | "isNewKey">;
  /** Where the client finds this gateway, without a trailing slash. */
  readonly baseUrl: string;
  readonly downloadLink: MakeLink;
  readonly shared: Shared;
}

/** What all requests of the door share. */
export interface Shared {
  /** The logs of format `pangea` that this gateway keeps. */
  readonly logs: readonly string[];
  readonly knownRoots: KnownRoots;
  readonly sealer: TokenSealer;
}

/** What an endpoint has done, in the protocol's words. */
export type Outcome =
  | {
      readonly kind: "success";
      readonly summary: string;
      readonly result: object;
      /** The id of the request that this is the result of, where it was accepted earlier. */
      readonly requestId?: string;
    }
  /** Sent as it is, without the protocol's envelope. */
  | { readonly kind: "document"; readonly document: object }
  | {
      readonly kind: "accepted";
      /** The id that the client polls. */
      readonly requestId: string;
    };

export interface Endpoint {
  readonly url: string;
  readonly type: OperationTypeNode;
  /** Rejects with AuditError or HttpError. */
  readonly serve: (ask: Ask) => Promise<Outcome>;
}
