import type { NewEntry } from "../src/audit/store.js";
import { utf8 } from "../src/core/bytes.js";
import type { AuditEvent } from "../src/core/event.js";
import { logFormat } from "../src/core/format.js";

const FORMAT = logFormat("rfc6962");
const SYLLABLES = ["ka", "lo", "mi", "ren", "tu", "vas", "or", "pi", "sen", "dra"];
const ACTIONS = ["create", "update", "delete", "login"];

/** About 430 bytes of canonical JSON: a few repeated values, and a message and a change that are each its own. */
export function eventAt(place: number): AuditEvent {
  return {
    message: `${word(place)} ${word(place * 7)} changed the ${word(place % 97)} of ${word(place % 31)} after ${word(place * 13)} request ${place}`,
    actor: `user${place % 500}@example.com`,
    action: ACTIONS[place % ACTIONS.length] ?? "",
    source: `10.0.${place % 7}.${place % 251}`,
    status: place % 3 === 0 ? "failed" : "ok",
    target: `/api/${word(place % 41)}/${place % 9_973}`,
    timestamp: timeAt(place),
    new: { name: word(place * 3), role: word(place % 11), size: place },
  };
}

/** The event as a store keeps it. */
export function entryAt(place: number): NewEntry {
  const receivedAt = timeAt(place).replace("Z", "000Z");
  const canonical = FORMAT.canonicalText({ event: eventAt(place), received_at: receivedAt });
  return { canonical, leafHash: FORMAT.leafHash(utf8(canonical)), receivedAt };
}

function timeAt(place: number): string {
  return new Date(Date.UTC(2026, 0, 1) + place).toISOString();
}

/** A word of three syllables, one of a thousand. */
function word(seed: number): string {
  const at = (divisor: number): string => SYLLABLES[Math.floor(seed / divisor) % SYLLABLES.length] ?? "";
  return at(1) + at(10) + at(100);
}
