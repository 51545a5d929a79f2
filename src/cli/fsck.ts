import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { IndexedStore } from "../audit/search-index.js";
import type { LogHead } from "../audit/store.js";
import { digestBytes, digestOf, parseDigest } from "../core/bytes.js";
import type { TreeSource } from "../engine/tree/signed-tree.js";
import { findingText, type Finding } from "../engine/upkeep/finding.js";
import type { IndexSample } from "../engine/upkeep/fsck-index.js";
import type { ProvenFraud } from "../engine/upkeep/fsck-fraud.js";
import { fsck, type CheckedMark } from "../engine/upkeep/fsck.js";
import { nodeEd25519 } from "../keys/node-crypto.js";
import { FILE_MODE, makePrivateFolder } from "../keys/private-file.js";
import type { Settings } from "../settings/read.js";
import { writeFraud } from "./fraud-file.js";
import type { Console } from "./key.js";
import { jsonLine } from "./printable.js";
import { withBars } from "./progress.js";
import { FOUND, orImpossible, requireLogs, SOUND, withStoredLogs, type StoreRun } from "./store-files.js";

export interface FsckFlags {
  /** Remembers where the last sound check ended. */
  readonly markFile: string;
  /** Reads everything, whatever was found sound before; its root has to be there still. */
  readonly full?: boolean;
  /** Checks so many segments of the search index, chosen at random, in place of all that are new. The mark stays. */
  readonly random?: number | undefined;
  /** Where the proof goes that a log signs a wrong index. */
  readonly fraud: string;
  /** Prints each finding, and what each log comes to, as a line of JSON. */
  readonly json?: boolean;
}

interface KeptMark extends CheckedMark {
  /** Something was found since: the next check reads everything, and still requires this root. */
  readonly isDoubted: boolean;
}

/** Marks by store, and the log's origin and name: what was found sound in one store says nothing of another. */
type Marks = ReadonlyMap<string, KeptMark>;

/** Checks every log of a store, one line for each finding. Returns SOUND, FOUND, or IMPOSSIBLE when there is no log. */
export function fsckStore(storage: Settings["storage"], flags: FsckFlags, run: StoreRun): Promise<number> {
  return orImpossible(checkAll(storage, flags, run), run.to.note);
}

function checkAll(storage: Settings["storage"], flags: FsckFlags, { tools, to }: StoreRun): Promise<number> {
  return withStoredLogs(storage, tools, async ({ opened, heads, source: sourceOf }) => {
    const headless = await opened.log.headless();
    const marks = new Map(await readMarks(flags.markFile));
    const store = await identityOf(storage.store);
    const gone = marksOfNone(marks, `${store} ${storage.origin}/`, heads);
    requireLogs(heads.length + headless.length + gone.length);
    for (const log of headless) to.out(lineOf(log, { kind: "head-missing" }, flags));
    for (const { log, treeSize } of gone) to.out(lineOf(log, { kind: "history-changed", treeSize }, flags));
    let findings = headless.length + gone.length;
    for (const head of heads) {
      const source = sourceOf(head);
      const name = `${store} ${source.key.origin}`;
      const since = marks.get(name);
      const report = await check({ opened, head, source, since, flags }, to);
      findings += report.findings;
      if (report.mark !== undefined) marks.set(name, { ...report.mark, isDoubted: false });
      else if (since !== undefined && report.findings > 0) marks.set(name, { ...since, isDoubted: true });
    }
    await writeMarks(flags.markFile, marks).catch((error: unknown) => {
      to.note(`Where this check ended is not kept, and the next one reads everything: ${String(error)}`);
    });
    return findings === 0 ? SOUND : FOUND;
  });
}

/** Logs that an earlier check found sound, and that the store no longer has. */
function marksOfNone(marks: Marks, prefix: string, heads: readonly LogHead[]) {
  const known = new Set(heads.map(({ log }) => log));
  return [...marks].flatMap(([name, { treeSize }]) => {
    const log = name.slice(prefix.length);
    return name.startsWith(prefix) && !known.has(log) ? [{ log, treeSize }] : [];
  });
}

/** What tells one store from another, without its password: of a file, which one it is, for another may take its name. */
async function identityOf(store: string): Promise<string> {
  const path = /^sqlite:(.+)$/.exec(store)?.[1];
  if (path === undefined) return store.replace(/\/\/.*@/, "//");
  const { dev, ino } = await stat(path);
  return `sqlite:${dev}:${ino}`;
}

interface Check {
  readonly opened: IndexedStore;
  readonly head: LogHead;
  readonly source: TreeSource;
  readonly since: KeptMark | undefined;
  readonly flags: FsckFlags;
}

async function check(
  { opened, head, source, since, flags }: Check,
  to: Console,
): Promise<{ readonly findings: number; readonly mark: CheckedMark | undefined }> {
  const { full = false, random, json = false } = flags;
  const mark = since === undefined ? {} : { since, full: full || since.isDoubted };
  const options = { source, index: opened.index, ed25519: nodeEd25519(), random, ...mark };
  const report = await withBars(head.log, process.stderr, (bars) => fsck({ ...options, ...bars }, head));
  for (const finding of report.findings) to.out(lineOf(head.log, finding, flags));
  const proof = report.fraud && (await kept(report.fraud, source, flags));
  if (json)
    to.out(
      jsonOf({
        ...{ log: head.log, entries: head.size, from: report.from, findings: report.findings.length },
        ...(proof !== undefined && { fraud: proof }),
      }),
    );
  const found = report.findings.length === 0 ? "sound" : `${report.findings.length} findings`;
  to.note(`${head.log}: ${found}; ${head.size} entries, read from ${report.from}`);
  if (proof !== undefined) to.note(`${head.log}: ${fraudText(proof, source)}`);
  if (report.sample !== undefined) to.note(`${head.log}: ${sampleText(report.sample)}`);
  return { findings: report.findings.length, mark: report.mark };
}

/** Returns the path of the file. */
function kept(
  { checkpoint, indexCheckpoint, proof }: ProvenFraud,
  { key: { origin, verifierKey: publicKey }, format }: TreeSource,
  flags: FsckFlags,
): Promise<string> {
  return writeFraud(flags.fraud, { format: format.name, origin, publicKey, checkpoint, indexCheckpoint, proof });
}

function fraudText(proof: string, { key }: TreeSource): string {
  return `a gateway over this store signs a wrong index; the proof is in ${proof}: auditql verify ${proof} --key ${JSON.stringify(key.verifierKey)}`;
}

/** A finding, and in which log. */
function lineOf(log: string, finding: Finding, { json = false }: FsckFlags): string {
  const { kind, ...details } = finding;
  return json ? jsonOf({ log, finding: kind, ...details }) : `${log}: ${findingText(finding)}`;
}

function jsonOf(value: object): string {
  return jsonLine(value).trimEnd();
}

/** Of one wrong base of 256 entries, wherever it is: the chance that its segment is in the sample. */
function sampleText({ segments, entries, of }: IndexSample): string {
  if (of === 0) return "search index: none of it is stored yet";
  const chance = Math.floor((1_000 * entries) / of) / 10;
  return `search index: segments built at random: ${segments}, with ${entries} of ${of} indexed entries; one wrong base is found with a chance of ${chance} %`;
}

/** A mark only saves work: a file that cannot be read means that everything is checked. */
async function readMarks(path: string): Promise<Marks> {
  try {
    const file: unknown = JSON.parse(await readFile(path, "utf8"));
    const marks = typeof file === "object" && file !== null ? Object.entries(file) : [];
    return new Map(
      marks.flatMap(([origin, value]) => {
        const mark = markIn(value);
        return mark === undefined ? [] : [[origin, mark]];
      }),
    );
  } catch {
    return new Map();
  }
}

function markIn(value: unknown): KeptMark | undefined {
  if (typeof value !== "object" || value === null || !("treeSize" in value) || !("rootHash" in value)) return undefined;
  const { treeSize, rootHash } = value;
  const isDoubted = "isDoubted" in value && value.isDoubted === true;
  const digest = typeof rootHash === "string" ? parseDigest(rootHash) : undefined;
  if (typeof treeSize !== "number" || !Number.isSafeInteger(treeSize) || digest === undefined) return undefined;
  return { treeSize, rootHash: digestBytes(digest), isDoubted };
}

async function writeMarks(path: string, marks: Marks): Promise<void> {
  const file = Object.fromEntries(
    [...marks].map(([origin, { treeSize, rootHash, isDoubted }]) => [
      origin,
      { treeSize, rootHash: digestOf(rootHash), isDoubted },
    ]),
  );
  makePrivateFolder(dirname(path));
  await writeFile(`${path}.new`, `${JSON.stringify(file, null, 2)}\n`, { mode: FILE_MODE });
  await rename(`${path}.new`, path);
}
