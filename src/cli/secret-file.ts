import { closeSync, openSync, readSync } from "node:fs";
import type { Parsed } from "../settings/setting.js";

/** Many times what a URL or a token has. */
const MAX_BYTES = 65_536;

/** What a file holds, without the line break at its end that editors write. Nothing of it is said of one that cannot be used. */
export function secretIn(path: string): Parsed<string> {
  const expected = `a file with the value and nothing else, of at most ${MAX_BYTES} bytes`;
  try {
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    const text = bytes.toString("utf8", 0, readInto(bytes, path)).replace(/\r?\n$/, "");
    if (text === "") return { kind: "expected", expected, got: `${path}, which is empty` };
    const isLong = Buffer.byteLength(text) > MAX_BYTES;
    return isLong ? { kind: "expected", expected, got: `${path}, which has more` } : { kind: "value", value: text };
  } catch (error) {
    return { kind: "expected", expected, got: `${path}: ${String(error)}` };
  }
}

/** How many bytes came; a pipe may bring them in pieces. */
function readInto(bytes: Buffer, path: string): number {
  const file = openSync(path, "r");
  try {
    let length = 0;
    for (;;) {
      const read = readSync(file, bytes, length, bytes.length - length, null);
      length += read;
      if (read === 0 || length === bytes.length) return length;
    }
  } finally {
    closeSync(file);
  }
}
