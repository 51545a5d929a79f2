import type { FormatName } from "../core/format.js";

/** A log that a gateway is configured to keep. */
export interface LogDeclaration {
  readonly log: string;
  readonly format: FormatName;
  /** The maximum bytes of message, new and old each, of an rfc6962 log; see eventRules. */
  readonly maxValueBytes?: number;
}
