import type { Alarm } from "../../audit/alarm.js";
import type { Clock } from "../../audit/clock.js";
import type { SearchIndex } from "../../audit/search-index.js";
import type { FieldName } from "../../core/event.js";
import type { TokenSealer } from "../../keys/sealed-token.js";

/** What searches are pinned over. */
export interface PinnedSearchesOptions {
  /**
   * For each time, the first leaf index below `size` whose entry was received at or after it, proven by the log's tree.
   */
  readonly firstAtOrAfter: (log: string, times: readonly string[], size: number) => Promise<readonly number[]>;
  /** The fields of a log's own schema. */
  readonly customFields: (log: string) => readonly FieldName[];
  /** When these entries were received, proven by the log's tree of a size. */
  readonly receivedAt: (log: string, leafIndexes: readonly number[], size: number) => Promise<readonly string[]>;
  readonly index: SearchIndex;
  readonly sealer: TokenSealer;
  readonly clock: Clock;
  /** How long a result can be paged. */
  readonly ttlMs: number;
  /** Called once per log whose index names entries that a search does not match. */
  readonly alarm: Alarm;
}
