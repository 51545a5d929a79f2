import { serveWorker } from "../../../src/stores/sqlite/worker-thread.js";

export interface OddProtocol {
  readonly double: { readonly request: number; readonly reply: number };
  readonly fail: { readonly request: string; readonly reply: never };
  /** Blocks the thread until the flag is raised. */
  readonly hold: { readonly request: Int32Array; readonly reply: "ok" | "not-equal" | "timed-out" };
  /** Answers every word that it was called with. */
  readonly note: { readonly request: string; readonly reply: readonly string[] };
  /** The thread ends before it answers. */
  readonly exit: { readonly request: undefined; readonly reply: undefined };
  /** The thread fails outside of a call, soon. */
  readonly collapse: { readonly request: undefined; readonly reply: undefined };
}

/** A worker that can be told to misbehave; it refuses to start when its log path says so. */
await serveWorker<OddProtocol>({
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
        return undefined;
      },
      close: () => undefined,
    };
  },
});
