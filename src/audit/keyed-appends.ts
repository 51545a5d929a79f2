import { equalBytes } from "../core/bytes.js";
import { AuditError, outcomeKnown } from "./errors.js";
import type { CheckedEvent } from "./leaf.js";
import type { Appended, Repeated } from "./queue.js";
import type { RequestKey } from "./request-key.js";
import type { TreeSource } from "./signed-tree.js";

/** As Sequencer.append. */
type Sequence = (events: readonly CheckedEvent[], requestKey: RequestKey) => Promise<Appended | Repeated>;

/**
 * Appends under idempotency keys: of several requests with one key, one is logged, and all are answered with it.
 * Here they wait for each other; between gateways the store decides, which takes a key only once.
 */
export class KeyedAppends {
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(
    private readonly source: Pick<TreeSource, "log" | "store">,
    private readonly sequence: Sequence,
  ) {}

  /**
   * As Sequencer.append; rejects CONFLICT when the key was used for another request. What is `repeated` was read, so it may not
   * be acknowledged before it is known to be durable.
   */
  async append(events: readonly CheckedEvent[], requestKey: RequestKey): Promise<Appended | Repeated> {
    const name = Buffer.from(requestKey.key).toString("latin1");
    for (let other = this.#underWay.get(name); other !== undefined; other = this.#underWay.get(name)) {
      await Promise.allSettled([other]);
    }
    const attempt = this.#appendUnlessRepeated(events, requestKey);
    this.#underWay.set(name, attempt);
    try {
      return await attempt;
    } finally {
      this.#underWay.delete(name);
    }
  }

  async #appendUnlessRepeated(events: readonly CheckedEvent[], requestKey: RequestKey): Promise<Appended | Repeated> {
    const { log, store } = this.source;
    const [receipt] = await outcomeKnown(store.receipts(log, [requestKey.key]), "NONE");
    const outcome: Appended | Repeated =
      receipt === undefined ? await this.sequence(events, requestKey) : { kind: "repeated", receipt };
    if (outcome.kind === "repeated") requireSame(outcome, requestKey);
    return outcome;
  }
}

function requireSame({ receipt }: Repeated, { requestDigest }: RequestKey): void {
  if (equalBytes(receipt.requestDigest, requestDigest)) return;
  throw keyUsedOtherwise();
}

export function keyUsedOtherwise(): AuditError {
  return new AuditError(
    "CONFLICT",
    "The idempotency key was used before, for other events: repeat that request as it was, or choose a new key.",
  );
}
