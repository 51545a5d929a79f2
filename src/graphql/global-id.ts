import { badInput } from "../audit/errors.js";

/** What a global id identifies: an entry by its leaf index, or a root by its tree size. */
export interface NodeKey {
  readonly type: "Entry" | "Root";
  readonly log: string;
  readonly place: number;
}

const SPELLING = /^(Entry|Root):(0|[1-9][0-9]{0,15}):(.+)$/s;

export function globalId({ type, log, place }: NodeKey): string {
  return Buffer.from(`${type}:${place}:${log}`).toString("base64url");
}

/** The maximum characters of an id: the name of a log is at most a third of it. */
const MAX_ID_CHARACTERS = 1_024;

/** Parses an id made by `globalId`; any other text is BAD_USER_INPUT at `path`. */
export function parseGlobalId(id: string, path: string): NodeKey {
  const text = id.length <= MAX_ID_CHARACTERS ? Buffer.from(id, "base64url").toString() : "";
  const [, type, digits, log] = SPELLING.exec(text) ?? [];
  if ((type === "Entry" || type === "Root") && log !== undefined) {
    const key: NodeKey = { type, log, place: Number(digits) };
    if (Number.isSafeInteger(key.place) && globalId(key) === id) return key;
  }
  throw badInput([{ path, expected: "an id that this API returned", got: JSON.stringify(id.slice(0, 80)) }]);
}
