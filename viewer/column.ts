/** What the table can show of an entry. */
export const COLUMNS = [
  "receivedAt",
  "timestamp",
  "actor",
  "action",
  "target",
  "source",
  "status",
  "message",
  "tenant_id",
  "leafIndex",
] as const;

export type Column = (typeof COLUMNS)[number];

export const FIRST_COLUMNS: readonly Column[] = ["receivedAt", "actor", "action", "target", "status", "message"];
