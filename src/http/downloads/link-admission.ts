import { unauthenticated, type CredentialHeaders } from "../../access/authenticate.js";
import { linkHolder } from "../../access/link-holder.js";
import { AuditError } from "../../audit/errors.js";
import { sameRights, type Principal } from "../../audit/principal.js";
import type { AuditService } from "../../audit/service.js";
import { serviceFor, type Door } from "../admission.js";

/** Lets in who has a link, as its maker may use the service now. Rejects with AuditError FORBIDDEN or UNAVAILABLE. */
export async function admitLink(maker: Principal, headers: CredentialHeaders, door: Door): Promise<LinkUser> {
  const holder = await linkHolder(maker, door.access, { headers, nowMs: Date.now() });
  if (holder.kind === "principal") return new LinkUser(holder.principal, headers, door);
  const { message } = unauthenticated(holder.reason);
  throw new AuditError(
    "FORBIDDEN",
    holder.reason === "host" ? message : `the link's maker is let in no more: ${message}`,
  );
}

/** A client that was let in by a link, whose maker's credential must stay good for as long as the file is sent. */
export class LinkUser {
  constructor(
    private readonly principal: Principal,
    private readonly headers: CredentialHeaders,
    private readonly door: Door,
  ) {}

  /** Its bounds are those that the result must have been made with. */
  service(): AuditService {
    return serviceFor(this.principal, this.door);
  }

  /** The pages, each after another look at the credential. Rejects UNAUTHENTICATED instead of showing one, or UNAVAILABLE. */
  async *whileLetIn<Page>(pages: AsyncIterable<Page>): AsyncGenerator<Page> {
    for await (const page of pages) {
      await this.#requireGood();
      yield page;
    }
  }

  /** Costs nothing where the key file was read within the last second. */
  async #requireGood(): Promise<void> {
    const { principal, headers, door } = this;
    const holder = await linkHolder(principal, door.access, { headers, nowMs: Date.now() });
    if (holder.kind === "refused") throw unauthenticated(holder.reason);
    if (sameRights(holder.principal, principal)) return;
    throw new AuditError("UNAUTHENTICATED", "the credential's rights have changed");
  }
}
