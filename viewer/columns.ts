import type { Entry } from "./entry.js";
import { shortTime, textOf } from "./entry.js";
import type { Column } from "./column.js";

export interface ColumnLook {
  readonly title: string;
  /** As a track of a CSS grid. */
  readonly width: string;
}

export const LOOKS: Readonly<Record<Column, ColumnLook>> = {
  receivedAt: { title: "Received (UTC)", width: "190px" },
  timestamp: { title: "Event time", width: "190px" },
  actor: { title: "Actor", width: "minmax(90px, 1.2fr)" },
  action: { title: "Action", width: "minmax(80px, 0.9fr)" },
  target: { title: "Target", width: "minmax(90px, 1.2fr)" },
  source: { title: "Source", width: "minmax(80px, 1fr)" },
  status: { title: "Status", width: "minmax(92px, 0.6fr)" },
  message: { title: "Message", width: "minmax(160px, 3fr)" },
  tenant_id: { title: "Tenant", width: "minmax(70px, 0.8fr)" },
  leafIndex: { title: "Index", width: "90px" },
};

/** What the table shows in a cell: one line of text. */
export function cellText({ leafIndex, receivedAt, event }: Entry, column: Column): string {
  if (column === "leafIndex") return String(leafIndex);
  return column === "receivedAt" ? shortTime(receivedAt) : textOf(event[column]);
}
