import { readFile, stat } from "node:fs/promises";
import type { FieldName } from "../core/event.js";
import type { FieldProblem } from "../core/json.js";
import { customNames, parseSchema, type ParsedSchema } from "../core/event-schema.js";
import { parseLossless } from "../core/lossless-json.js";
import { CommandError } from "./output.js";

/** Of all fields with the longest names and descriptions, several times. */
const MAX_SCHEMA_BYTES = 2 ** 20;

/** Reads the schema in a file; place: what names the file in a problem. Never rejects. */
export async function readSchema(path: string, place: string): Promise<ParsedSchema> {
  const unread = (expected: string, got: string) =>
    ({ kind: "invalid", problems: [{ path: place, expected, got }] }) as const;
  try {
    const { size } = await stat(path);
    if (size > MAX_SCHEMA_BYTES) return unread(`at most ${MAX_SCHEMA_BYTES} bytes`, `${size}`);
    return parseSchema(parseLossless(await readFile(path, "utf8")), path);
  } catch (error) {
    return unread("a JSON document that can be read", String(error));
  }
}

/** The custom fields of the schema in a file, which its reader trusts. Rejects with CommandError that names every bad path. */
export async function customFieldsOf(path: string | undefined): Promise<readonly FieldName[] | undefined> {
  if (path === undefined) return undefined;
  const read = await readSchema(path, `--schema ${path}`);
  if (read.kind === "invalid") throw new CommandError(read.problems.map(problemText).join("; "));
  return customNames(read.schema);
}

function problemText({ path, expected, got }: FieldProblem): string {
  return `${path}: expected ${expected}, got ${got}`;
}
