import { AuditError } from "../../audit/errors.js";
import type { Asking, BulkRequest } from "../../audit/service.js";
import { isPlainObject } from "../../core/json.js";
import type { TokenSealer } from "../../keys/sealed-token.js";
import type { LogLink } from "./log-link.js";
import type { PangeaWire } from "./wire.js";

interface BulkName {
  readonly log: string;
  /** The only caller that finds it again. */
  readonly owner: string;
  /** The service's own id. */
  readonly requestId: string;
}

/** The bulk requests of the service (section 1.5), under ids that name their owner and cannot be made up. */
export class BulkRequests {
  constructor(
    private readonly wire: PangeaWire,
    private readonly sealer: TokenSealer,
  ) {}

  id(name: BulkName): string {
    return this.sealer.seal("result", Buffer.from(JSON.stringify({ version: VERSION, ...name })));
  }

  /** Undefined for an id of nobody or of another owner, and as long as nothing is logged under it. */
  async find(
    id: string,
    linkOf: (log: string) => LogLink,
    { owner = "", signal }: Asking = {},
  ): Promise<BulkRequest | undefined> {
    const name = this.#opened(id);
    if (name?.owner !== owner) return undefined;
    const answer = await this.wire.accepted(name.requestId, { signal }).catch(absent);
    if (answer === undefined) return undefined;
    const logged = await linkOf(name.log).bulkReceipt(answer.result, signal);
    return { id, logged, refused: undefined };
  }

  #opened(id: string): BulkName | undefined {
    const opened = this.sealer.open("result", id);
    const name: unknown = opened.kind === "opened" ? JSON.parse(opened.payload.toString()) : undefined;
    return isName(name) ? name : undefined;
  }
}

const VERSION = "bulk 1";

/** What opens was written here or is a search's. */
function isName(value: unknown): value is BulkName {
  return isPlainObject(value) && value["version"] === VERSION;
}

function absent(error: unknown): undefined {
  if (error instanceof AuditError && error.code === "NOT_FOUND") return undefined;
  throw error;
}
