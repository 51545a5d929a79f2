/**
 * How many characters an answer may have, those that JSON escapes counted once. No cost of an operation knows how long an
 * event's texts are; and the text of an answer is made in one go, in which the gateway serves nobody else.
 */
export const MAX_ANSWER_CHARACTERS = 64 * 1024 * 1024;

/** Whether the JSON of what a resolver answered, of whatever size, stays within so many characters. Looks no further than that. */
export function isWithin(value: unknown, characters: number): boolean {
  return left(value, characters) >= 0;
}

/** What is left of `characters`; negative once there were too many. */
function left(value: unknown, characters: number): number {
  if (typeof value === "string") return characters - value.length - 3;
  if (typeof value !== "object" || value === null) return characters - 3;
  let rest = characters - 3;
  for (const [key, member] of Object.entries(value)) {
    rest = left(member, Array.isArray(value) ? rest : rest - key.length - 3);
    if (rest < 0) return rest;
  }
  return rest;
}
