const WIDTH = 30;

/** A bar on a terminal, redrawn in place; nothing where the output is no terminal. */
export class Progress {
  constructor(
    private readonly label: string,
    private readonly stream: NodeJS.WriteStream,
  ) {}

  show(done: number, total: number): void {
    if (!this.stream.isTTY || total === 0) return;
    const filled = Math.floor((done / total) * WIDTH);
    const bar = `${"#".repeat(filled)}${".".repeat(WIDTH - filled)}`;
    this.stream.write(`\r${this.label}  [${bar}] ${done.toLocaleString("en")} of ${total.toLocaleString("en")}`);
    if (done >= total) this.stream.write("\n");
  }
}
