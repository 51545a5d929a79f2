/**
 * The maximum characters of a response, with characters that JSON escapes counted once. An operation's cost does not
 * include the length of an event's texts, and a response is serialized in one go, during which the gateway serves no
 * one else.
 */
export const MAX_ANSWER_CHARACTERS = 64 * 1024 * 1024;

/** Whether the JSON of a resolver's result stays within so many characters. Stops measuring at that point. */
export function isWithin(value: unknown, characters: number): boolean {
  return left(value, characters) >= 0;
}

/** The rest of `characters`; negative once it is exceeded. */
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

/** Every response is measured: this takes a tenth of the time that the object's entries as pairs would. */
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
