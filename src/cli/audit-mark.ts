import { open, readFile, rename } from "node:fs/promises";
import { hasCode } from "../audit/errors.js";
import { isPlainObject } from "../core/json.js";
import { FILE_MODE } from "../keys/private-file.js";
import { CommandError } from "./output.js";

/** What was audited and found sound: both roots as the log signed them, so that they also are evidence. */
export interface AuditMark {
  readonly checkpoint: string;
  readonly indexCheckpoint: string;
}

/** By the log's origin. */
export type AuditMarks = ReadonlyMap<string, AuditMark>;

/** Of no file, none. Rejects with CommandError on a file that holds something else: what was seen must not be forgotten. */
export async function readMarks(path: string): Promise<AuditMarks> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return "{}";
    throw error;
  });
  const file = parsed(text);
  const marks = isPlainObject(file)
    ? Object.entries(file).map(([origin, mark]) => [origin, markIn(mark)] as const)
    : [];
  const read = marks.flatMap(([origin, mark]) => (mark === undefined ? [] : [[origin, mark] as const]));
  if (isPlainObject(file) && read.length === marks.length) return new Map(read);
  throw new CommandError(`${path} is no file that audit-index wrote: name another, or look into who changed it`);
}

/** A run that is cut off leaves the file as it was. */
export async function writeMarks(path: string, marks: AuditMarks): Promise<void> {
  const file = await open(`${path}.part`, "w", FILE_MODE);
  try {
    await file.writeFile(`${JSON.stringify(Object.fromEntries(marks), null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function markIn(value: unknown): AuditMark | undefined {
  if (!isPlainObject(value)) return undefined;
  const { checkpoint, indexCheckpoint } = value;
  return typeof checkpoint === "string" && typeof indexCheckpoint === "string"
    ? { checkpoint, indexCheckpoint }
    : undefined;
}
