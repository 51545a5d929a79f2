import type { SegmentBlocks, StoredSegment } from "../../audit/block-store.js";
import type { Segment } from "../../core/segment/format.js";
import { BASE_ENTRIES } from "../../core/segment/index-log.js";
import type { IndexedEntry } from "../../core/words/entry-terms.js";
import { MAX_OCCURRENCES } from "../../core/segment/group.js";
import { GroupTooLarge } from "../../core/segment/term-table.js";
import { SegmentLost } from "./open-segment.js";
import { packed, unpacked, type Packed } from "./packed.js";
import { SerialThread } from "./serial-thread.js";

/** What the thread is asked, one after the other. */
export type MakerCall =
  /** Adds entries to what is in hand, or to a new one: a group from its first leaf on, or a base from any of its leaves on. */
  | {
      readonly kind: "add";
      readonly begins: "group" | "base" | undefined;
      readonly firstLeaf: number;
      readonly canonical: Packed;
      readonly leafHashes: Packed;
    }
  /** The segment of level 1 of the group that was added. */
  | { readonly kind: "build" }
  /** The segment of level 0 of the base that was added, empty where nothing was. */
  | { readonly kind: "build-base" }
  /** The segment over these 16. */
  | { readonly kind: "merge"; readonly children: readonly MergedChild[] };

type MergedChild = StoredSegment & { readonly contents: Packed };

export type MakerReply =
  | { readonly kind: "added" }
  | { readonly kind: "made"; readonly segment: Omit<SegmentBlocks, "contents">; readonly contents: Packed }
  | { readonly kind: "base"; readonly blocks: Packed; readonly directory: Packed }
  | { readonly kind: "too-large"; readonly reason: string }
  /** `damaged`: the place of the child that is. */
  | { readonly kind: "failed"; readonly reason: string; readonly damaged: number | undefined };

class MakerError extends Error {
  constructor(
    message: string,
    readonly damaged: number | undefined,
  ) {
    super(message);
  }
}

/** What the thread is. */
export interface MakerData {
  readonly mostOccurrences: number;
  readonly isBackground: boolean;
}

export interface MakerOptions {
  /** Of the words and values of a group. */
  readonly mostOccurrences?: number;
  /** Whether its thread gives way to those that answer requests. Default false. */
  readonly isBackground?: boolean;
}

type Entries = AsyncIterable<readonly IndexedEntry[]> | Iterable<readonly IndexedEntry[]>;

/** Builds and merges segments in a thread of its own. */
export class SegmentMaker {
  readonly #thread: SerialThread<MakerCall, MakerReply>;
  /** One group or base at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ mostOccurrences = MAX_OCCURRENCES, isBackground = false }: MakerOptions = {}) {
    const module = new URL("./segment-maker-worker.js", import.meta.url);
    const workerData: MakerData = { mostOccurrences, isBackground };
    this.#thread = new SerialThread({ module, workerData, name: "the thread that builds the search index" });
  }

  /** The segment of level 1 of these entries, 4,096 from a leaf on. Rejects as `entries` does, and with GroupTooLarge. */
  build(firstLeaf: number, entries: AsyncIterable<readonly IndexedEntry[]>): Promise<SegmentBlocks> {
    return this.#inTurn(async () => {
      await this.#add("group", firstLeaf, entries);
      return this.#made({ kind: "build" });
    });
  }

  /**
   * The segment of level 0 over neighbouring entries of one base, the other documents of which it leaves empty. Rejects as
   * `entries` does, and with GroupTooLarge.
   */
  base(firstLeaf: number, entries: Entries): Promise<Segment> {
    return this.#inTurn(async () => {
      await this.#add("base", firstLeaf, entries);
      const reply = await this.#ask({ kind: "build-base" });
      if (reply.kind !== "base") throw new Error("the thread made no segment");
      const number = Math.floor(firstLeaf / BASE_ENTRIES);
      return { level: 0, number, blocks: unpacked(reply.blocks), directory: unpacked(reply.directory) };
    });
  }

  /** Rejects with SegmentLost when a child is damaged. */
  async merge(children: readonly SegmentBlocks[]): Promise<SegmentBlocks> {
    const call = children.map((child) => ({ ...child, contents: packed(child.contents) }));
    try {
      return await this.#made({ kind: "merge", children: call });
    } catch (error) {
      const damaged = error instanceof MakerError && error.damaged !== undefined ? children[error.damaged] : undefined;
      throw damaged === undefined ? error : new SegmentLost(damaged);
    }
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  #inTurn<T>(make: () => Promise<T>): Promise<T> {
    const made = this.#turn.then(make);
    this.#turn = made.catch(() => undefined);
    return made;
  }

  async #add(what: "group" | "base", firstLeaf: number, entries: Entries): Promise<void> {
    let next = firstLeaf;
    let added: Promise<unknown> = Promise.resolve(); // while the thread has some in hand, the next are read
    for await (const some of entries) {
      const canonical = packed(some.map((entry) => entry.canonical));
      const leafHashes = packed(some.map(({ leafHash }) => leafHash));
      const begins = next === firstLeaf ? what : undefined;
      await added;
      added = this.#ask({ kind: "add", begins, firstLeaf: next, canonical, leafHashes });
      added.catch(ignore); // it is awaited with the next, which may not come
      next += some.length;
    }
    await added;
  }

  async #made(call: MakerCall): Promise<SegmentBlocks> {
    const reply = await this.#ask(call);
    if (reply.kind !== "made") throw new Error("the thread made no segment");
    return { ...reply.segment, contents: unpacked(reply.contents) };
  }

  async #ask(call: MakerCall): Promise<MakerReply> {
    const reply = await this.#thread.ask(call, buffersOf(call));
    if (reply.kind === "too-large") throw new GroupTooLarge(reply.reason);
    if (reply.kind === "failed") throw new MakerError(reply.reason, reply.damaged);
    return reply;
  }
}

function ignore(): void {
  // whoever awaits it is told
}

function buffersOf(call: MakerCall): readonly ArrayBuffer[] {
  const parts =
    call.kind === "add"
      ? [call.canonical, call.leafHashes]
      : call.kind === "merge"
        ? call.children.map(({ contents }) => contents)
        : [];
  return parts.map(({ bytes }) => bytes.buffer);
}
