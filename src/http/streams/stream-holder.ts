import type { CredentialHeaders } from "../../access/authenticate.js";
import { linkHolder } from "../../access/link-holder.js";
import { AuditError } from "../../audit/errors.js";
import { sameRights, type Principal } from "../../audit/principal.js";
import type { AuditService } from "../../audit/service.js";
import type { TokenSealer } from "../../keys/sealed-token.js";
import { identify, requirePrincipal, serviceFor, type Caller, type Door } from "../admission.js";
import { openStreamToken } from "./stream-token.js";

/** The request that opens a stream. */
export interface StreamAsker {
  readonly headers: CredentialHeaders;
  /** The client's IP address. */
  readonly address: string;
  /** A token from POST /stream-tokens, instead of a credential. */
  readonly token?: string;
}

/** Admits a client that wants to follow the log. Rejects with AuditError UNAUTHENTICATED, FORBIDDEN or UNAVAILABLE. */
export type AdmitStream = (asker: StreamAsker) => Promise<StreamHolder>;

export function streamAdmission(door: Door, sealer: TokenSealer): AdmitStream {
  return async (asker) => {
    const present = presenting(asker, door, sealer);
    return new StreamHolder({ door, address: asker.address, present }, await present());
  };
}

/** Identifies the caller, now and at any later time. */
type Present = () => Promise<Principal>;

/** A token is opened once: its credential is presented for as long as the stream is open. */
function presenting({ headers, token }: StreamAsker, door: Door, sealer: TokenSealer): Present {
  if (token === undefined) return () => identify(headers, door);
  const maker = openStreamToken(sealer, token, Date.now());
  return async () => {
    if (maker === undefined)
      throw new AuditError(
        "UNAUTHENTICATED",
        "the stream token is invalid or has expired: get a new one from POST /stream-tokens",
      );
    return requirePrincipal(await linkHolder(maker, door.access, { headers, nowMs: Date.now() }), door.logger);
  };
}

interface Admitted {
  readonly door: Door;
  readonly address: string;
  readonly present: Present;
}

/** A client admitted with a credential, which must stay valid for as long as a stream is open. */
export class StreamHolder {
  constructor(
    private readonly admitted: Admitted,
    private principal: Principal,
  ) {}

  /** Its id. */
  get credential(): string {
    return this.principal.id;
  }

  /** Who shares the gateway's places with others: a credential, or an address if no credential is required. */
  get sharer(): string {
    return this.admitted.door.access.kind === "open" ? this.admitted.address : this.principal.id;
  }

  /** Milliseconds since the epoch. */
  get expiresAtMs(): number | undefined {
    return this.principal.expiresAtMs;
  }

  /** The audit service as the credential allows: a new one each time, because it remembers what it showed. */
  service(): AuditService {
    return serviceFor(this.principal, this.admitted.door);
  }

  /** For an operation that has one result. */
  caller(): Caller {
    return { principal: this.principal, service: this.service() };
  }

  /** Presents the credential again: undefined while it allows the same, else why the stream must end. */
  async recheck(): Promise<AuditError | undefined> {
    try {
      const principal = await this.admitted.present();
      if (!sameRights(principal, this.principal))
        return new AuditError("UNAUTHENTICATED", "the credential's rights have changed: connect again");
      this.principal = principal;
      return undefined;
    } catch (error) {
      if (error instanceof AuditError) return error;
      throw error;
    }
  }
}
