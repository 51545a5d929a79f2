import type { ErrorCode } from "../graphql/error-table.js";
import type { Records } from "./operation-record.js";

/** The ways into the gateway, as its log and metrics name them: a path may hold the token of a link, or anything. */
export type Entrance = "graphql" | "websocket" | "downloads" | "metrics" | "page";

/** A request that was refused before an operation, or a download, began. */
export interface Refusal {
  readonly entrance: Entrance;
  readonly code: ErrorCode;
  readonly status: number;
  readonly requestId: string;
}

/** Refused requests in the metrics and in the log, which have nothing of what was sent. */
export class Refusals {
  constructor(private readonly records: Records) {}

  add({ entrance, code, status, requestId }: Refusal): void {
    this.records.metrics.refusal({ entrance, code });
    this.records.logger.info({ entrance, code, status, requestId }, "refused");
  }
}
