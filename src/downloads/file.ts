import type { DownloadFormat } from "../audit/download-link.js";
import type { AuditService, Download, Root, TreeEntry } from "../audit/service.js";
import type { FieldName } from "../core/event.js";
import { customNames } from "../core/event-schema.js";
import type { FormatName } from "../core/format.js";
import { csvRecord } from "./csv.js";
import { withoutProofs, withProofs, type FileEntry } from "./file-entry.js";
import { cells, columns, entryObject } from "./row.js";

/** What a file says about the tree of its entries: together with a key from another source, enough to verify it. */
export interface FileHead {
  readonly log: string;
  readonly format: FormatName;
  /** Name of the log in its checkpoints. */
  readonly origin: string;
  /** C2SP verifier key of the log. */
  readonly publicKey: string;
  readonly root: Root;
  /** Of the log's own schema. */
  readonly customFields: readonly FieldName[];
}

/** How a file of entries is written, part by part. */
export interface FileFormat {
  readonly extension: string;
  readonly contentType: string;
  readonly hasProofs: boolean;
  readonly begin: (head: FileHead) => string;
  readonly entry: (entry: FileEntry, place: { readonly head: FileHead; readonly isFirst: boolean }) => string;
  readonly end: (entries: number) => string;
}

const FILE_FORMATS: Readonly<Record<DownloadFormat, FileFormat>> = {
  CSV: {
    extension: "csv",
    contentType: "text/csv; charset=utf-8; header=present",
    hasProofs: false,
    // Without a byte order mark a spreadsheet assumes its machine's code page instead of UTF-8.
    begin: ({ customFields }) => `\ufeff${csvRecord(columns(customFields))}`,
    entry: ({ outcome }, { head }) => csvRecord(cells(outcome, head.customFields)),
    end: () => "",
  },
  // The input of `auditql verify`: everything for a verdict, except trust in the key.
  JSON: {
    extension: "json",
    contentType: "application/json",
    hasProofs: true,
    begin: (head) => `${JSON.stringify(evidenceHead(head)).slice(0, -1)},"entries":[`,
    entry: ({ outcome, proof }, { isFirst }) => `${isFirst ? "" : ","}\n${JSON.stringify(entryObject(outcome, proof))}`,
    end: () => "\n]}\n",
  },
  NDJSON: {
    extension: "ndjson",
    contentType: "application/x-ndjson",
    hasProofs: false,
    begin: () => "",
    entry: ({ outcome }) => `${JSON.stringify(entryObject(outcome))}\n`,
    end: () => "",
  },
  // The same evidence as JSON lines, for programs. The last line shows that the file is complete.
  EVIDENCE: {
    extension: "evidence.ndjson",
    contentType: "application/x-ndjson",
    hasProofs: true,
    begin: (head) => `${JSON.stringify({ ...evidenceHead(head), entries: "lines" })}\n`,
    entry: ({ outcome, proof }) => `${JSON.stringify(entryObject(outcome, proof))}\n`,
    end: (entries) => `${JSON.stringify({ end: entries })}\n`,
  },
};

/** The entries come last, after everything that verifies them, so that they can be verified as they arrive. */
function evidenceHead({ log, format, origin, publicKey, root }: FileHead) {
  return { log, format, origin, roots: [root], publicKey };
}

/** A file of one download. */
export interface DownloadFile {
  readonly format: FileFormat;
  readonly head: FileHead;
  /** What the file contains of each page of the download. */
  entries(pages: AsyncIterable<readonly TreeEntry[]>): AsyncIterable<readonly FileEntry[]>;
}

/** Reads the content of the file's head. */
export async function openFile(
  service: AuditService,
  download: Download,
  format: DownloadFormat,
): Promise<DownloadFile> {
  const written = FILE_FORMATS[format];
  return {
    format: written,
    head: await fileHead(service, download),
    entries: (pages) => (written.hasProofs ? withProofs(service, download, pages) : withoutProofs(pages)),
  };
}

async function fileHead(service: AuditService, { log, treeSize }: Download): Promise<FileHead> {
  const [{ format, origin, verifierKey, schema }, root] = await Promise.all([
    service.identity(log),
    service.root(log, treeSize),
  ]);
  return { log, format: format.name, origin, publicKey: verifierKey, root, customFields: customNames(schema) };
}

/** The file's text, one piece per page. It ends where the pages end, and rejects where they do. */
export async function* fileText(
  { format: { begin, entry, end }, head }: Pick<DownloadFile, "format" | "head">,
  pages: AsyncIterable<readonly FileEntry[]>,
): AsyncGenerator<string> {
  let count = 0;
  yield begin(head);
  for await (const page of pages) {
    const texts: string[] = [];
    for (const one of page) {
      texts.push(entry(one, { head, isFirst: count === 0 }));
      count += 1;
    }
    yield texts.join("");
  }
  yield end(count);
}
