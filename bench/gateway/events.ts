const SYLLABLES = ["ka", "lo", "mi", "ren", "tu", "vas", "or", "pi", "sen", "dra"];

/** An event as a client sends it, about 430 bytes once it is an envelope: some values repeat, the message is its own. */
export function eventAt(place: number): Readonly<Record<string, unknown>> {
  return {
    message: `${word(place)} ${word(place * 7)} changed the ${word(place % 97)} of ${word(place % 31)} after request ${place}`,
    actor: `user${place % 500}@example.com`,
    action: ["create", "update", "delete", "login"][place % 4],
    source: `10.0.${place % 7}.${place % 251}`,
    status: place % 3 === 0 ? "failed" : "ok",
    target: `/api/${word(place % 41)}/${place % 9_973}`,
    timestamp: new Date(Date.UTC(2026, 0, 1) + place).toISOString(),
    new: { name: word(place * 3), role: word(place % 11), size: place },
    old: `size ${place % 1000}`,
    tenantId: `tenant-${place % 20}`,
  };
}

export function eventsAt(start: number, count: number): readonly Readonly<Record<string, unknown>>[] {
  return Array.from({ length: count }, (_, i) => eventAt(start + i));
}

/** A word of three syllables, one of a thousand. */
function word(seed: number): string {
  const at = (divisor: number): string => SYLLABLES[Math.floor(seed / divisor) % SYLLABLES.length] ?? "";
  return at(1) + at(10) + at(100);
}
