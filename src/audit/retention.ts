/** How long a result id and its cursors are valid by default: the Pangea protocol's retention of query results. */
export const RESULT_TTL_MS = 2 * 24 * 60 * 60 * 1_000;
