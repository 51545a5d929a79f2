import type { FormatName } from "../core/format.js";

/** A log that a gateway is told to keep. */
export interface LogDeclaration {
  readonly log: string;
  readonly format: FormatName;
  /** The most bytes of message, new and old each; of an rfc6962 log, as eventRules says. */
  readonly maxValueBytes?: number;
}
