import type { StoredSegment } from "../../audit/block-store.js";
import type { LogReads } from "../../audit/store.js";
import { equalBytes } from "../../core/bytes.js";
import type { SegmentId } from "../../core/segment/format.js";
import { BASE_ENTRIES, dueBase } from "../../core/segment/index-log.js";
import { MERGED_CHILDREN } from "../../core/segment/merge.js";
import { leavesOf } from "../../core/segment/search.js";
import { OpenSegment, type SegmentHome } from "./open-segment.js";

/** The stored segments of one log, as far as this process knows. */
export class StoredSegments {
  #list: Promise<readonly OpenSegment[]> | undefined;
  readonly #unusable = new Set<string>();
  /** Where the last one ends, as far as known. */
  knownEnd = 0;
  /** Those that another one covers. */
  #covered: readonly OpenSegment[] = [];

  constructor(
    private readonly home: SegmentHome,
    private readonly reads: Pick<LogReads, "leafHashes">,
  ) {}

  /**
   * Those that are not needed any more in a log of `size` entries: another one covers them, and the index log names it.
   * Until then it names them, and proofs are made of them.
   */
  superseded(size: number): readonly StoredSegment[] {
    return this.#covered
      .map(({ row }) => row)
      .filter(({ level, number }) => {
        const parent = { level: level + 1, number: Math.floor(number / MERGED_CHILDREN) };
        return (dueBase(parent) + 1) * BASE_ENTRIES <= size;
      });
  }

  /** The segment of a level and number, if it is stored; superseded ones too. */
  async find({ level, number }: SegmentId): Promise<OpenSegment | undefined> {
    const list = await this.list();
    return [...list, ...this.#covered].find(({ row }) => row.level === level && row.number === number);
  }

  /** Without overlaps, by their leaves. */
  list(): Promise<readonly OpenSegment[]> {
    return this.#list ?? this.reload();
  }

  reload(): Promise<readonly OpenSegment[]> {
    const loading = this.#load();
    this.#list = loading;
    loading.catch(() => {
      if (this.#list === loading) this.#list = undefined;
    });
    return loading;
  }

  /**
   * Decides about a segment that could not be read: one that is still listed is damaged, and is removed, to be built again
   * from the log. One that cannot be removed, from a database that may only be read, is not used any more.
   */
  async lost(segment: StoredSegment): Promise<void> {
    const { log, blocks } = this.home;
    const isListed = async (): Promise<boolean> => {
      const rows = await blocks.segments(log);
      return rows.some((row) => nameOf(row) === nameOf(segment));
    };
    if (await isListed()) {
      await blocks.remove(log, [segment]).catch(() => undefined);
      if (await isListed()) this.#unusable.add(nameOf(segment));
    }
    await this.reload();
  }

  async #load(): Promise<readonly OpenSegment[]> {
    const listed = await this.home.blocks.segments(this.home.log);
    const rows = await this.#ofThisLog(listed.filter((row) => !this.#unusable.has(nameOf(row))));
    const open = rows.map((row) => new OpenSegment(row, this.home));
    open.sort((a, b) => a.range.start - b.range.start || b.range.end - a.range.end);
    let end = 0;
    const list = open.filter(({ range }) => {
      const isFirst = range.start >= end;
      if (isFirst) end = range.end;
      return isFirst;
    });
    this.knownEnd = end;
    this.#covered = open.filter((segment) => !list.includes(segment));
    return list;
  }

  /**
   * Leaves out segments of another log: of one that a failover or a restored backup replaced. The last one tells; the others are looked at
   * when it is wrong.
   */
  async #ofThisLog(rows: readonly StoredSegment[]): Promise<readonly StoredSegment[]> {
    const byEnd = [...rows].sort((a, b) => leavesOf(b).end - leavesOf(a).end);
    const [last] = byEnd;
    if (last === undefined || (await this.#fits(last)) === "fits") return rows;
    const found = await Promise.all(rows.map(async (row) => ({ row, fit: await this.#fits(row) })));
    const others = found.filter(({ fit }) => fit === "another").map(({ row }) => row);
    if (others.length > 0) await this.home.blocks.remove(this.home.log, others).catch(() => undefined);
    return found.filter(({ fit }) => fit === "fits").map(({ row }) => row);
  }

  async #fits(row: StoredSegment): Promise<"fits" | "another" | "beyond"> {
    const { end } = leavesOf(row);
    const hash = await this.reads.leafHashes(this.home.log, { start: end - 1, end });
    if (hash.length === 0) return "beyond";
    return equalBytes(hash, row.lastLeafHash) ? "fits" : "another";
  }
}

function nameOf({ level, number, digest }: StoredSegment): string {
  return `${level}/${number}/${Buffer.from(digest).toString("hex")}`;
}
