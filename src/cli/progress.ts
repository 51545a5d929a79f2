import type { FsckOptions } from "../engine/upkeep/fsck.js";

const WIDTH = 30;
/** Between two movements of a bar of bytes. */
const STEP_BYTES = 2 ** 22;

/** A bar on a terminal, redrawn in place; nothing where the output is no terminal. */
export class Progress {
  /** The cursor stands behind a bar. */
  #isOpen = false;

  constructor(
    private readonly label: string,
    private readonly stream: Pick<NodeJS.WriteStream, "isTTY" | "write">,
  ) {}

  /** Without a total, as of what comes through a pipe, it is a count. */
  show(done: number, total?: number): void {
    if (!this.stream.isTTY || total === 0) return;
    this.stream.write(`\r${this.label}  ${total === undefined ? done.toLocaleString("en") : barOf(done, total)}`);
    this.#isOpen = true;
    if (total !== undefined && done >= total) this.end();
  }

  /** What is written next begins on a line of its own, wherever the bar stopped. */
  end(): void {
    if (this.#isOpen) this.stream.write("\n");
    this.#isOpen = false;
  }
}

function barOf(done: number, total: number): string {
  const filled = Math.floor((done / total) * WIDTH);
  const bar = `${"#".repeat(filled)}${".".repeat(WIDTH - filled)}`;
  return `[${bar}] ${done.toLocaleString("en")} of ${total.toLocaleString("en")}`;
}

/** The chunks as they are, and a bar of their bytes. `total` is undefined where it is not known. */
export async function* withByteBar(
  chunks: AsyncIterable<Uint8Array>,
  { bar, total }: { readonly bar: Progress; readonly total: number | undefined },
): AsyncGenerator<Uint8Array> {
  let [done, shown] = [0, 0];
  try {
    for await (const chunk of chunks) {
      yield chunk;
      done += chunk.length;
      if (done - shown < STEP_BYTES) continue;
      shown = done;
      bar.show(done, total);
    }
  } finally {
    bar.end();
  }
}

/** Runs a check of a log with its bars: the entries, then the search index. */
export async function withBars<T>(
  log: string,
  stream: Pick<NodeJS.WriteStream, "isTTY" | "write">,
  check: (bars: Required<Pick<FsckOptions, "onProgress" | "onIndexing">>) => Promise<T>,
): Promise<T> {
  const entries = new Progress(`${log}: check`, stream);
  const index = new Progress(`${log}: search index`, stream);
  try {
    return await check({
      onProgress: (checked, size) => {
        entries.show(checked, size);
      },
      onIndexing: (checked, size) => {
        index.show(checked, size);
      },
    });
  } finally {
    entries.end();
    index.end();
  }
}
