import type { TreeEntry } from "../audit/service.js";
import { parseDigest } from "../core/bytes.js";
import { fieldText } from "../core/event.js";
import { readEnvelope } from "../core/format.js";
import { isPlainObject } from "../core/json.js";
import { csvRecord } from "../downloads/csv.js";
import { cells, columns, entryObject } from "../downloads/row.js";
import type { Members } from "./api.js";
import { CommandError, type Output } from "./output.js";
import { jsonLine, printable } from "./printable.js";

/** How entries are printed. */
export type EntryStyle = "table" | "ndjson" | "csv";

/** An entry of an answer. Throws CommandError on what is none. */
export function entryIn(node: unknown): TreeEntry {
  const { leafIndex, hash, canonical }: Members = isPlainObject(node) ? node : {};
  const digest = typeof hash === "string" ? parseDigest(hash) : undefined;
  const envelope = typeof canonical === "string" ? readEnvelope(canonical) : undefined;
  if (typeof leafIndex !== "number" || digest === undefined || typeof canonical !== "string" || envelope === undefined)
    throw new CommandError("the gateway answered with what is no entry");
  return { kind: "entry", entry: { log: "", leafIndex, hash: digest, canonical, envelope } };
}

/** Prints entries, batch by batch. */
export function entryPrinter(style: EntryStyle, { write }: Output): (entries: readonly TreeEntry[]) => Promise<void> {
  let isFirst = true;
  return async (entries) => {
    const head = isFirst && entries.length > 0;
    if (entries.length > 0) isFirst = false;
    switch (style) {
      case "ndjson":
        return write(entries.map((entry) => jsonLine(entryObject(entry))).join(""));
      case "csv":
        return write([...(head ? [columns()] : []), ...entries.map((entry) => cells(entry))].map(csvRecord).join(""));
      case "table":
        return write([...(head ? [TITLES] : []), ...entries.map(tableCells)].map(tableLine).join(""));
    }
  };
}

const WIDTHS = [9, 20, 16, 16, 16, 9];
const TITLES = ["leafIndex", "receivedAt", "actor", "action", "target", "status", "message"];
const MAX_MESSAGE = 80;

function tableCells(row: TreeEntry): readonly string[] {
  if (row.kind === "corrupt") return [String(row.leafIndex), "", "", "", "", "", "ENTRY_CORRUPT"];
  const { leafIndex, envelope } = row.entry;
  const { actor = "", action = "", target = "", status = "", message } = envelope.event;
  const time = `${envelope.received_at.slice(0, 19)}Z`;
  return [String(leafIndex), time, actor, action, target, status, fieldText(message)];
}

/** What was logged may come from anyone: on a terminal, its control characters could rewrite what is shown. */
function tableLine(row: readonly string[]): string {
  const shown = row.map((cell, at) => {
    const width = WIDTHS[at] ?? MAX_MESSAGE;
    const plain = printable(cell.slice(0, 4 * width));
    const characters = Array.from(plain);
    const cut = characters.length > width ? `${characters.slice(0, width - 1).join("")}…` : plain;
    return at === row.length - 1 ? cut : cut.padEnd(width);
  });
  return `${shown.join("  ")}\n`;
}
