import { AuditError } from "../../audit/errors.js";
import type { LoggingService } from "../../audit/service.js";
import { base64, utf8 } from "../../core/bytes.js";
import { canonicalJson } from "../../core/json.js";
import type { Keyring } from "../../keys/keyring.js";
import { LogKey } from "../../keys/log-key.js";
import { nodeEd25519 } from "../../keys/node-crypto.js";

export interface HandOver {
  readonly keyring: Keyring;
  /** The deployment's name in checkpoints. */
  readonly origin: string;
  readonly logs: readonly string[];
  /** Called for each log that could not be written: the next start tries again. */
  readonly warn: (message: string) => void;
}

/** The `action` of the event, and the owner of its idempotency key. */
const ACTION = "key.hand-over";
const ACTOR = "auditql";

/**
 * Records in each log, once, that a new key signs it from now on. The event is signed with the new key, which proves
 * that its holder has it, and the log's root with both keys: a client that trusts only the old key learns the new one
 * from what the old one signed. A line of a signed note proves no such thing, because anyone can add one.
 */
export async function logHandOver(service: LoggingService, { keyring, origin, logs, warn }: HandOver): Promise<void> {
  if (!keyring.isHandingOver || keyring.previousSeeds.length === 0) return;
  const ed25519 = nodeEd25519();
  const publicKey = base64(ed25519.publicKey(keyring.checkpointSeed));
  for (const log of logs) {
    const { verifierKey, previousKeys } = new LogKey(`${origin}/${log}`, keyring, ed25519);
    const message = "From this entry on, the log is signed with the key in `new`, which signed this event.";
    const event = { actor: ACTOR, action: ACTION, target: log, message, old: previousKeys[0] ?? "", new: verifierKey };
    const signature = base64(ed25519.sign(utf8(canonicalJson(event)), keyring.checkpointSeed));
    const idempotencyKey = `${ACTION} ${publicKey}`;
    const events = [{ event, signature, publicKey }];
    try {
      await service.append({ log, events, sign: false, path: "event", idempotencyKey }, { owner: ACTOR });
    } catch (error) {
      if (!(error instanceof AuditError)) throw error;
      warn(`the hand-over of the log ${log} to its new key is not logged yet: ${error.message}`);
    }
  }
}
