import type { Output } from "../../src/cli/output.js";

/** Where a command of a test writes, and what it wrote. */
export interface RecordedOutput {
  readonly output: Output;
  readonly written: () => string;
  readonly notes: () => string;
}

export function recordedOutput(): RecordedOutput {
  const [written, notes] = [new Array<Buffer>(), new Array<string>()];
  return {
    output: {
      write: (text) => Promise.resolve(void written.push(Buffer.from(text))),
      note: (text) => notes.push(text),
      bar: { isTTY: false, write: () => true },
    },
    written: () => Buffer.concat(written).toString(),
    notes: () => notes.join("\n"),
  };
}
