import type { CredentialHeaders } from "../../access/authenticate.js";
import { AuditError } from "../../audit/errors.js";
import { sameRights, type Principal } from "../../audit/principal.js";
import type { AuditService } from "../../audit/service.js";
import { identify, serviceFor, type Caller, type Door } from "../admission.js";

/** Where a stream comes from. */
export interface StreamAsker {
  readonly headers: CredentialHeaders;
  /** The client's IP address. */
  readonly address: string;
}

/** Lets in whoever wants to follow the log. Rejects with AuditError UNAUTHENTICATED, FORBIDDEN or UNAVAILABLE. */
export type AdmitStream = (asker: StreamAsker) => Promise<StreamHolder>;

export function streamAdmission(door: Door): AdmitStream {
  return async (asker) => new StreamHolder(door, asker, await identify(asker.headers, door));
}

/** Whoever was let in with a credential that must stay good for as long as a stream is open. */
export class StreamHolder {
  constructor(
    private readonly door: Door,
    private readonly asker: StreamAsker,
    private principal: Principal,
  ) {}

  /** Its id. */
  get credential(): string {
    return this.principal.id;
  }

  /** Who shares the gateway's places with others: a credential, or an address where nobody has one. */
  get sharer(): string {
    return this.door.access.kind === "open" ? this.asker.address : this.principal.id;
  }

  /** Milliseconds since the epoch. */
  get expiresAtMs(): number | undefined {
    return this.principal.expiresAtMs;
  }

  /** The audit service as the credential allows: made anew each time, for it remembers what it showed. */
  service(): AuditService {
    return serviceFor(this.principal, this.door);
  }

  /** For an operation that has one result. */
  caller(): Caller {
    return { principal: this.principal, service: this.service() };
  }

  /** Presents the credential again: undefined while it allows what it did, else why the stream must end. */
  async recheck(): Promise<AuditError | undefined> {
    try {
      const principal = await identify(this.asker.headers, this.door);
      if (!sameRights(principal, this.principal))
        return new AuditError("UNAUTHENTICATED", "the credential's rights have changed");
      this.principal = principal;
      return undefined;
    } catch (error) {
      if (error instanceof AuditError) return error;
      throw error;
    }
  }
}
