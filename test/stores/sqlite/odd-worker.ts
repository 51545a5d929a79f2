import { serveWorker } from "../../../src/stores/sqlite/worker-thread.js";

export interface Odd {
  double(value: number): number;
  fail(message: string): never;
  /** Blocks the thread until the flag is raised. */
  hold(flag: Int32Array): "ok" | "not-equal" | "timed-out";
  /** Returns every word that it was called with. */
  note(word: string): readonly string[];
  /** The thread ends before it answers. */
  exit(): void;
  /** The thread fails outside of a call, soon. */
  collapse(): void;
  close(): void;
}

/** A worker that can be told to misbehave; it refuses to start when its log path says so. */
await serveWorker<Odd>({
  subject: "the odd file",
  open: ({ files }) => {
    if (files.logPath === "refuse") throw new Error("no such luck");
    const noted: string[] = [];
    return {
      hold: (flag) => Atomics.wait(flag, 0, 0),
      note: (word) => {
        noted.push(word);
        return noted;
      },
      double: (value) => 2 * value,
      fail: (message) => {
        throw new Error(message);
      },
      exit: () => process.exit(),
      collapse: () => {
        setImmediate(() => {
          throw new Error("collapsed");
        });
      },
      close: () => undefined,
    };
  },
});
