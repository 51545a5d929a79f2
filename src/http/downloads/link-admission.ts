import { unauthenticated, type CredentialHeaders } from "../../access/authenticate.js";
import { linkHolder } from "../../access/link-holder.js";
import { AuditError } from "../../audit/errors.js";
import { sameRights, type Principal } from "../../audit/principal.js";
import type { AuditService } from "../../audit/service.js";
import { serviceFor, type Door } from "../admission.js";

/** Admits the holder of a link, with its maker's current rights. Rejects with AuditError FORBIDDEN or UNAVAILABLE. */
export async function admitLink(maker: Principal, headers: CredentialHeaders, door: Door): Promise<LinkUser> {
  const holder = await linkHolder(maker, door.access, { headers, nowMs: Date.now() });
  if (holder.kind === "principal") return new LinkUser(holder.principal, headers, door);
  const { message } = unauthenticated(holder.reason);
  throw new AuditError(
    "FORBIDDEN",
    holder.reason === "host" ? message : `the link's maker is no longer admitted (${message}): ask for a new link`,
  );
}

/** A client admitted by a link, whose maker's credential must stay valid for as long as the file is sent. */
export class LinkUser {
  constructor(
    private readonly principal: Principal,
    private readonly headers: CredentialHeaders,
    private readonly door: Door,
  ) {}

  /** Its bounds are those under which the result must have been made. */
  service(): AuditService {
    return serviceFor(this.principal, this.door);
  }

  /**
   * The pages, each after another check of the credential. Rejects with UNAUTHENTICATED instead of returning one, or
   * with UNAVAILABLE.
   */
  async *whileLetIn<Page>(pages: AsyncIterable<Page>): AsyncGenerator<Page> {
    for await (const page of pages) {
      await this.#requireGood();
      yield page;
    }
  }

  /** Costs nothing if the key file was read within the last second. */
  async #requireGood(): Promise<void> {
    const { principal, headers, door } = this;
    const holder = await linkHolder(principal, door.access, { headers, nowMs: Date.now() });
    if (holder.kind === "refused") throw unauthenticated(holder.reason);
    if (sameRights(holder.principal, principal)) return;
    throw new AuditError("UNAUTHENTICATED", "the rights of the link's maker have changed: ask for a new link");
  }
}
