import { AuditError } from "../../audit/errors.js";
import type { Asking, BulkRequest } from "../../audit/service.js";
import { JsonTokens, type TokenSealer } from "../../keys/sealed-token.js";
import type { LogLink } from "./log-link.js";
import type { PangeaWire } from "./wire.js";

interface BulkName {
  readonly log: string;
  /** The only caller that finds it again. */
  readonly owner: string;
  /** The service's own id. */
  readonly requestId: string;
}

/** A search's result id is of the same kind, and of another version. */
const IDS = new JsonTokens<BulkName>("result", "bulk 1");

/** The bulk requests of the service (section 1.5), under ids that name their owner and cannot be made up. */
export class BulkRequests {
  constructor(
    private readonly wire: PangeaWire,
    private readonly sealer: TokenSealer,
  ) {}

  id(name: BulkName): string {
    return IDS.seal(this.sealer, name);
  }

  /** Undefined for an id of nobody or of another owner, and as long as nothing is logged under it. */
  async find(
    id: string,
    linkOf: (log: string) => LogLink,
    { owner = "", signal }: Asking = {},
  ): Promise<BulkRequest | undefined> {
    const opened = IDS.open(this.sealer, id);
    if (opened.kind === "rejected" || opened.content.owner !== owner) return undefined;
    const { content: name } = opened;
    const answer = await this.wire.accepted(name.requestId, { signal }).catch(absent);
    if (answer === undefined) return undefined;
    const logged = await linkOf(name.log).bulkReceipt(answer.result, signal);
    return { id, logged, refused: undefined };
  }
}

function absent(error: unknown): undefined {
  if (error instanceof AuditError && error.code === "NOT_FOUND") return undefined;
  throw error;
}
