import type { FsckOptions } from "../audit/fsck.js";

const WIDTH = 30;

/** A bar on a terminal, redrawn in place; nothing where the output is no terminal. */
export class Progress {
  /** The cursor stands behind a bar. */
  #isOpen = false;

  constructor(
    private readonly label: string,
    private readonly stream: Pick<NodeJS.WriteStream, "isTTY" | "write">,
  ) {}

  show(done: number, total: number): void {
    if (!this.stream.isTTY || total === 0) return;
    const filled = Math.floor((done / total) * WIDTH);
    const bar = `${"#".repeat(filled)}${".".repeat(WIDTH - filled)}`;
    this.stream.write(`\r${this.label}  [${bar}] ${done.toLocaleString("en")} of ${total.toLocaleString("en")}`);
    this.#isOpen = true;
    if (done >= total) this.end();
  }

  /** What is written next begins on a line of its own, wherever the bar stopped. */
  end(): void {
    if (this.#isOpen) this.stream.write("\n");
    this.#isOpen = false;
  }
}

/** Runs a check of a log with its bars: the entries, then the search index if it has to be waited for. */
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
      onIndexing: (indexed, size) => {
        index.show(indexed, size);
      },
    });
  } finally {
    entries.end();
    index.end();
  }
}
