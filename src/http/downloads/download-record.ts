import type { DownloadFormat } from "../../audit/download-link.js";
import type { Principal } from "../../audit/principal.js";
import type { TreeEntry } from "../../audit/service.js";
import type { Records } from "../graphql/operation.js";

/** The fields of a download's record. */
export interface RecordedDownload {
  readonly log: string;
  readonly format: DownloadFormat;
  readonly principal: Principal;
  readonly requestId: string;
  readonly traceId: string | undefined;
}

/**
 * How a download ended: complete; given up by its reader; cut because its reader was too slow; broken off by an error.
 */
export type DownloadEnd = "complete" | "stopped" | "slow" | "failed";

/** One download in the metrics and in the log: its kind, size and caller, never its content. */
export class DownloadRecord {
  readonly #startedAt = performance.now();
  #entries = 0;

  constructor(
    private readonly records: Records,
    private readonly download: RecordedDownload,
  ) {}

  /** Passes the pages through and counts them. */
  async *counted(pages: AsyncIterable<readonly TreeEntry[]>): AsyncGenerator<readonly TreeEntry[]> {
    for await (const page of pages) {
      this.#entries += page.length;
      yield page;
    }
  }

  ended(outcome: DownloadEnd): void {
    const { metrics, logger } = this.records;
    const { log, format, principal, requestId, traceId } = this.download;
    metrics.download({ format, outcome, entries: this.#entries });
    const ms = Math.round(performance.now() - this.#startedAt);
    const whose = { credential: principal.id, requestId, traceId };
    logger.info({ log, format, outcome, entries: this.#entries, ms, ...whose }, "download");
  }
}
