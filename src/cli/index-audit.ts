import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, equalBytes } from "../core/bytes.js";
import { verifierKeyText } from "../core/checkpoint.js";
import { segmentDocuments, type SegmentId } from "../core/segment/format.js";
import { provenFraud } from "../core/segment/fraud-proof.js";
import { dueBase, type SegmentRecord } from "../core/segment/index-log.js";
import { KnownTree } from "../core/segment/known-tree.js";
import { leavesOf } from "../core/segment/search.js";
import { DerivedSegments } from "../engine/search/derived-segments.js";
import { SegmentMaker } from "../engine/search/segment-maker.js";
import { SegmentMerger } from "../engine/search/segment-merger.js";
import { nodeSha256 } from "../keys/node-crypto.js";
import type { AuditedIndex } from "./audited-index.js";
import { writeFraud } from "./fraud-file.js";
import { LoggedEntries } from "./logged-entries.js";
import type { Output } from "./output.js";
import { jsonLine } from "./printable.js";
import { Progress } from "./progress.js";
import type { ShownEntries } from "./shown-entries.js";
import type { SignedRecords } from "./signed-records.js";

interface AuditParts {
  readonly audited: AuditedIndex;
  readonly records: SignedRecords;
  readonly shown: ShownEntries;
  readonly output: Output;
  /** Where the proof of fraud goes. */
  readonly out: string;
  readonly json?: boolean;
}

/** From which record on all were checked, or how many of how many segments were chosen at random. */
export type Extent = { readonly from: number } | { readonly drawn: number; readonly of: number };

const NOTHING = { leaves: [], hashes: [] };
/** Wrong segments that are printed: an index with this many is not worth more lines. */
const MAX_FINDINGS = 1_000;

/** Makes segments again from a log's entries, and compares them with what the log signed. */
export class IndexAudit {
  readonly #entries: LoggedEntries;
  /** Bases whose records are none. */
  readonly #unreadable = new Set<number>();
  #checked = 0;
  #findings = 0;
  #entriesRead = 0;
  #proof: string | undefined;

  constructor(private readonly parts: AuditParts) {
    this.#entries = new LoggedEntries(parts.shown, parts.audited.root);
  }

  get isSound(): boolean {
    return this.#findings === 0;
  }

  /** Checks segments and all that lie below them, in the order of their leaves. Rejects with NotProvenError. */
  async run(segments: readonly SegmentId[]): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), "auditql-audit-"));
    const [maker, merger] = [new SegmentMaker(), new SegmentMerger()];
    const bar = new Progress("audit-index: entries", this.parts.output.bar);
    const total = segments.reduce((sum, { level }) => sum + segmentDocuments(level), 0);
    try {
      const derived = new DerivedSegments({ maker, merger, folder, entries: (range) => this.#entries.of(range) });
      for (const id of segments) {
        for await (const record of derived.under(id)) {
          await this.#compare(record);
          if (record.level === Math.min(1, id.level)) this.#entriesRead += segmentDocuments(record.level);
          bar.show(this.#entriesRead, total);
        }
      }
    } finally {
      bar.end();
      await merger.close();
      await maker.close();
      await rm(folder, { recursive: true });
    }
  }

  /** Says what the run came to. */
  async report(extent: Extent): Promise<void> {
    const { audited, output, json } = this.parts;
    const { key, root, index } = audited;
    const [segments, entries, findings] = [this.#checked, this.#entriesRead, this.#findings];
    const sizes = { treeSize: root.treeSize, indexSize: index.treeSize };
    if (json === true)
      await output.write(
        jsonLine({ origin: key.name, ...sizes, ...extent, segments, entries, findings, proof: this.#proof ?? null }),
      );
    output.note(
      `${key.name}: ${findings === 0 ? "sound" : `${findings} findings`}; ${segments} signed segments made again from ${entries} entries, of an index of ${index.treeSize} records over ${root.treeSize} entries, ${extentText(extent)}`,
    );
    if (this.#proof !== undefined)
      output.note(
        `a proof of fraud is in ${this.#proof}: auditql verify ${this.#proof} --key ${JSON.stringify(verifierKeyText(key))}`,
      );
    else if (findings > 0)
      output.note(
        "no proof of fraud fits into a file: merged segments have none, nor those of more than 16 MiB of entries; who has the log's key and entries finds the same",
      );
  }

  async #compare(derived: SegmentRecord): Promise<void> {
    const signed = await this.parts.records.of(derived);
    if (signed === undefined) return;
    this.#checked += 1;
    const { level, number, blocks, root } = derived;
    if (signed === "unreadable") {
      const base = dueBase(derived);
      if (this.#unreadable.has(base)) return;
      this.#unreadable.add(base);
      await this.#found(
        { level: 0, number: base },
        { finding: "record-unreadable", base },
        `record ${base}: the log signed one that is none`,
      );
    } else if (signed.blocks !== blocks || !equalBytes(signed.root, root)) {
      const details = { level, number, signed: toldOf(signed), derived: toldOf(derived) };
      const text = `segment ${level}/${number}: the log signed another than its entries make: ${details.signed}, not ${details.derived}`;
      await this.#found(derived, { finding: "segment-wrong", ...details }, text);
    }
  }

  async #found(accused: SegmentId, finding: object, text: string): Promise<void> {
    this.#findings += 1;
    if (this.#findings <= MAX_FINDINGS)
      await this.parts.output.write(this.parts.json === true ? jsonLine(finding) : `${text}\n`);
    this.#proof ??= await this.#prove(accused);
  }

  /** At once: what is known of the log is what was read last. */
  async #prove(accused: SegmentId): Promise<string | undefined> {
    const { audited, records, out } = this.parts;
    const { format } = this.#entries;
    const { key, root, index, checkpoint, indexCheckpoint } = audited;
    // A record that is none is shown without entries.
    const isRecord = (await records.of(accused)) !== "unreadable";
    const log = isRecord ? this.#entries.treeWith(leavesOf(accused)) : KnownTree.of(format, root.treeSize, NOTHING);
    if (log === undefined) return undefined;
    const roots = { log: root, index, format, sha256: nodeSha256 };
    const proof = provenFraud(roots, { log, index: await records.treeAt(dueBase(accused)) }, accused);
    const head = {
      format: format.name,
      origin: key.name,
      publicKey: verifierKeyText(key),
      checkpoint,
      indexCheckpoint,
    };
    return proof && writeFraud(out, { ...head, proof });
  }
}

function toldOf({ blocks, root }: SegmentRecord): string {
  return `${blocks} blocks of root ${digestOf(root)}`;
}

function extentText(extent: Extent): string {
  if ("from" in extent) return `from record ${extent.from} on`;
  const chance = extent.of === 0 ? 100 : Math.floor((1_000 * Math.min(extent.drawn, extent.of)) / extent.of) / 10;
  return `${extent.drawn} chosen at random: one wrong segment is found with a chance of at least ${chance} %`;
}
