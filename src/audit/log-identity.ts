import type { EventSchema } from "../core/event-schema.js";
import type { LogFormat } from "../core/format.js";

/** What a verifier needs to know about a log, apart from its bytes. */
export interface LogIdentity {
  readonly format: LogFormat;
  /** The log's name in its checkpoints. */
  readonly origin: string;
  /** The key of the log's checkpoints as a C2SP verifier key, `origin+keyid+base64`. */
  readonly verifierKey: string;
  /** The fields of its events, where they are not the standard ones. */
  readonly schema?: EventSchema;
}
