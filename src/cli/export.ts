import { isPlainObject } from "../core/json.js";
import { apiUrl, ask, credential, patiently, type Gateway } from "./api.js";
import { download, written } from "./download.js";
import { CommandError, explanation, type Output } from "./output.js";
import { Progress, withByteBar } from "./progress.js";

/** How exported entries are written. */
export type ExportFormat = "ndjson" | "csv";

export interface ExportFlags {
  readonly url: string;
  readonly log?: string;
  readonly tokenFile?: string;
  readonly format: ExportFormat;
  readonly order: "newest" | "oldest";
  /** RFC 3339 times, or relative to now such as `7d`. */
  readonly since?: string;
  readonly until?: string;
  readonly out?: string;
}

const EXPORTED = 0;
const NOT_EXPORTED = 2;
const FORMATS = { ndjson: "NDJSON", csv: "CSV" } as const;

const PIN = /* GraphQL */ `
  query Export($query: String!, $log: ID, $window: AuditTimeWindow, $direction: AuditOrderDirection!) {
    search(
      query: $query
      log: $log
      first: 0
      window: $window
      orderBy: { field: RECEIVED_AT, direction: $direction }
    ) {
      resultId
      totalCount
      isTruncated
      root {
        treeSize
      }
    }
  }
`;

/** Exports every entry that a search finds. Returns the exit code: 0 all are there, 2 they are not. Rejects never. */
export async function exportEntries(
  query: string,
  flags: ExportFlags,
  { token, output }: { readonly token: string | undefined; readonly output: Output },
): Promise<number> {
  try {
    const gateway = { url: apiUrl(flags.url), token: await credential(flags.tokenFile, token) };
    const pinned = await pin(gateway, query, flags);
    const wanted = { id: pinned.resultId, everyMatch: true, format: FORMATS[flags.format] };
    const bar = new Progress("export: bytes", output.bar);
    const open = () => download(gateway, wanted);
    const chunks = withByteBar(await patiently(open, { note: output.note }), { bar, total: undefined });
    const count = await written(flags.out, output, async (write) => {
      const count = await copy(chunks, flags.format, write);
      if (pinned.isComplete(count)) return count;
      throw new CommandError(`the download broke off: it has ${count} entries, and the search found ${pinned.total}`);
    });
    output.note(`exported ${count} entries, all that were found among the first ${pinned.treeSize} of the log`);
    return EXPORTED;
  } catch (error) {
    output.note(`cannot export: ${explanation(error)}`);
    return NOT_EXPORTED;
  }
}

interface Pinned {
  readonly resultId: string;
  readonly total: number;
  readonly treeSize: number;
  /** Whether so many entries are all; where a search counts no further, they may be more. */
  readonly isComplete: (count: number) => boolean;
}

async function pin(gateway: Gateway, query: string, flags: ExportFlags): Promise<Pinned> {
  const { log, since: start, until: end, order } = flags;
  const window = start === undefined && end === undefined ? undefined : { start, end };
  const variables = { query, log, window, direction: order === "oldest" ? "ASC" : "DESC" };
  const { search } = await ask(gateway, { query: PIN, variables });
  if (isPlainObject(search) && isPlainObject(search["root"])) {
    const { resultId, totalCount: total, isTruncated } = search;
    const { treeSize } = search["root"];
    if (typeof resultId === "string" && typeof total === "number" && typeof treeSize === "number")
      return {
        resultId,
        total,
        treeSize,
        isComplete: (count) => (isTruncated === true ? count >= total : count === total),
      };
  }
  throw new CommandError(`${gateway.url.href} answered without a result`);
}

/** Writes a file as it comes. Returns how many entries it has: neither format says where it ends. */
async function copy(chunks: AsyncIterable<Uint8Array>, format: ExportFormat, write: Output["write"]): Promise<number> {
  const records = new Records(format === "csv");
  for await (const chunk of chunks) {
    records.take(chunk);
    await write(chunk);
  }
  if (!records.isWhole) throw new CommandError("the download broke off within an entry");
  return format === "csv" ? records.count - 1 : records.count;
}

const NEWLINE = 0x0a;
const QUOTE = 0x22;

/** Counts lines of JSON, or records of CSV, which may have line breaks in quotes; a quote in quotes is doubled there. */
class Records {
  count = 0;
  isWhole = true;
  #isQuoted = false;

  constructor(private readonly isCsv: boolean) {}

  take(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (byte === QUOTE && this.isCsv) this.#isQuoted = !this.#isQuoted;
      if (byte === NEWLINE && !this.#isQuoted) this.count += 1;
    }
    const last = chunk.at(-1);
    if (last !== undefined) this.isWhole = last === NEWLINE && !this.#isQuoted;
  }
}
