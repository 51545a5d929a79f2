import type { NewEntry } from "../src/audit/store.js";
import { utf8 } from "../src/core/bytes.js";
import { logFormat } from "../src/core/format.js";

const FORMAT = logFormat("rfc6962");
const SYLLABLES = ["ka", "lo", "mi", "ren", "tu", "vas", "or", "pi", "sen", "dra"];

/** About 430 bytes of canonical JSON: a few repeated values, and a message and a change that are each its own. */
export function entryAt(place: number): NewEntry {
  const receivedAt = new Date(Date.UTC(2026, 0, 1) + place).toISOString().replace("Z", "000Z");
  const event = {
    message: `${word(place)} ${word(place * 7)} changed the ${word(place % 97)} of ${word(place % 31)} after ${word(place * 13)} request ${place}`,
    actor: `user${place % 500}@example.com`,
    action: ["create", "update", "delete", "login"][place % 4] ?? "",
    source: `10.0.${place % 7}.${place % 251}`,
    status: place % 3 === 0 ? "failed" : "ok",
    target: `/api/${word(place % 41)}/${place % 9_973}`,
    timestamp: new Date(Date.UTC(2026, 0, 1) + place).toISOString(),
    new: { name: word(place * 3), role: word(place % 11), size: place },
  };
  const canonical = FORMAT.canonicalText({ event, received_at: receivedAt });
  return { canonical, leafHash: FORMAT.leafHash(utf8(canonical)), receivedAt };
}

/** A word of three syllables, one of a thousand. */
function word(seed: number): string {
  const at = (divisor: number): string => SYLLABLES[Math.floor(seed / divisor) % SYLLABLES.length] ?? "";
  return at(1) + at(10) + at(100);
}
