import { randomInt } from "node:crypto";
import type { SegmentId } from "../core/segment/format.js";
import { namedAt, namedCount, segmentsNamed, withoutCovered } from "../core/segment/named-segments.js";
import { nodeEd25519 } from "../keys/node-crypto.js";
import { apiUrl, credential, type Gateway } from "./api.js";
import { readMarks, writeMarks } from "./audit-mark.js";
import { auditedIndex, requireExtends, rootsIn, type AuditedIndex } from "./audited-index.js";
import { IndexAudit } from "./index-audit.js";
import { CommandError, explanation, type Output } from "./output.js";
import { jsonLine } from "./printable.js";
import { NotProvenError } from "./proven-search.js";
import { GatewayEntries, SavedEntries } from "./shown-entries.js";
import { SignedRecords } from "./signed-records.js";
import { FOUND, IMPOSSIBLE, SOUND } from "./store-files.js";
import { readTrustedKeys, type TrustFlags } from "./trusted-keys.js";

export interface AuditIndexFlags extends TrustFlags {
  readonly url: string;
  readonly log?: string;
  readonly tokenFile?: string;
  /** A file of evidence to read the entries from, in place of the gateway. */
  readonly entries?: string;
  readonly all?: boolean;
  /** So many segments, chosen at random. */
  readonly random?: number;
  /** Remembers what was found sound. */
  readonly markFile: string;
  /** Where the proof of fraud goes. */
  readonly out: string;
  readonly json?: boolean;
}

export interface Auditing {
  readonly token: string | undefined;
  readonly output: Output;
  /** Any integer from 0 below `end`, each as likely as the others. Default: `randomInt` of node:crypto. */
  readonly draw?: (end: number) => number;
}

/**
 * Makes the segments again that a log's signed index names, from the log's entries and nothing else, and says which of them
 * the log signed wrongly; of the first that can be proven it writes a proof of fraud. Returns the exit code: 0 all are
 * right, 1 something is wrong, 2 it could not be found out. Rejects never.
 */
export async function auditIndex(
  flags: AuditIndexFlags,
  { token, output, draw = randomInt }: Auditing,
): Promise<number> {
  try {
    const keys = await readTrustedKeys(flags, nodeEd25519());
    if (keys === undefined) throw new CommandError("expected the log's key, as --key or in the file of --trust");
    const gateway = { url: apiUrl(flags.url), token: await credential(flags.tokenFile, token) };
    const saved = flags.entries === undefined ? undefined : await SavedEntries.open(flags.entries);
    try {
      const audited = await auditedIndex(gateway, { log: flags.log, saved: saved?.root }, keys);
      return await audit(audited, { gateway, saved, flags, output, draw });
    } finally {
      await saved?.close();
    }
  } catch (error) {
    if (!(error instanceof NotProvenError)) output.note(`cannot audit the index: ${explanation(error)}`);
    else
      await output.write(
        flags.json === true
          ? jsonLine({ finding: "not-proven", reason: error.message })
          : `NOT PROVEN: ${error.message}\n`,
      );
    return error instanceof NotProvenError ? FOUND : IMPOSSIBLE;
  }
}

interface Run {
  readonly gateway: Gateway;
  readonly saved: SavedEntries | undefined;
  readonly flags: AuditIndexFlags;
  readonly output: Output;
  readonly draw: (end: number) => number;
}

async function audit(audited: AuditedIndex, { gateway, saved, flags, output, draw }: Run): Promise<number> {
  const { log, key, root, index, checkpoint, indexCheckpoint } = audited;
  const records = new SignedRecords(gateway, { ...index, log }, output.note);
  const shown = saved ?? new GatewayEntries(gateway, { ...root, log }, output.note);
  const marks = await readMarks(flags.markFile);
  const mark = marks.get(key.name);
  const before = mark && rootsIn(mark, key);
  if (before !== undefined) {
    await requireExtends(gateway, audited, before.root);
    await records.requireExtends(before.index);
  }
  const from = flags.all === true ? 0 : (before?.index.treeSize ?? 0);
  const found = new IndexAudit({ audited, records, shown, output, ...flags });
  await found.run(wanted(flags.random, { from, to: index.treeSize }, draw));
  await found.report(flags.random === undefined ? { from } : { drawn: flags.random, of: namedCount(index.treeSize) });
  if (!found.isSound) return FOUND;
  if (flags.random === undefined)
    await writeMarks(flags.markFile, new Map([...marks, [key.name, { checkpoint, indexCheckpoint }]]));
  return SOUND;
}

/** The segments to make again: the largest ones, for what lies below them is made on the way. */
function wanted(
  random: number | undefined,
  { from, to }: { readonly from: number; readonly to: number },
  draw: (end: number) => number,
): readonly SegmentId[] {
  if (random === undefined) return segmentsNamed(from, to);
  const of = namedCount(to);
  const drawn = new Set<number>();
  while (drawn.size < Math.min(random, of)) drawn.add(draw(of));
  return withoutCovered([...drawn].map((place) => namedAt(place, to)));
}
