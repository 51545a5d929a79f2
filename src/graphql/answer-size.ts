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
  if (Array.isArray(value)) return leftOfList(value, characters - 3);
  return isObject(value) ? leftOfObject(value, characters - 3) : characters - 3;
}

function leftOfList(list: readonly unknown[], characters: number): number {
  let rest = characters;
  for (const member of list) {
    rest = left(member, rest);
    if (rest < 0) break;
  }
  return rest;
}

/** Every answer is measured: this takes a tenth of the time that its entries as pairs would. */
function leftOfObject(object: Readonly<Record<string, unknown>>, characters: number): number {
  let rest = characters;
  for (const key in object) {
    rest = left(object[key], rest - key.length - 3);
    if (rest < 0) break;
  }
  return rest;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
