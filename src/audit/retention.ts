/** How long a result id and its cursors can be used where nothing else is said: the Pangea protocol's retention of query results. */
export const RESULT_TTL_MS = 2 * 24 * 60 * 60 * 1_000;

/** How long the end of a bulk request is kept where nothing else is said. */
export const BULK_RESULT_TTL_MS = 24 * 60 * 60 * 1_000;

/** How much of a log's bulk requests may wait where nothing else is said: about 150,000 events of 400 bytes. */
export const MAX_WAITING_BULK_BYTES = 64 * 1_024 * 1_024;
