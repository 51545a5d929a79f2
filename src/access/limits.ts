import type { MetricsPolicy } from "./metrics-policy.js";

/** What a gateway allows when no setting says otherwise; settings and doors share these defaults. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** Bytes of request bodies that one process holds at once. */
export const MAX_BODIES_BYTES = 256 * 1_024 * 1_024;
/** Subscriptions, and WebSockets, that are open at once in one process. */
export const MAX_STREAMS = 1_000;
export const METRICS_POLICY: MetricsPolicy = "admin";
