import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { SerialThread } from "../../../src/engine/search/serial-thread.js";

interface Call {
  readonly text: string;
  readonly ends?: boolean;
  readonly isSilent?: boolean;
  readonly fails?: boolean;
  readonly bytes?: Uint8Array;
}

interface Reply {
  readonly text: string;
  readonly workerData: unknown;
}

let thread: SerialThread<Call, Reply>;
beforeEach(() => {
  const module = new URL("./echo-worker.js", import.meta.url);
  thread = new SerialThread({ module, workerData: 7, name: "the thread that echoes" });
});
afterEach(() => thread.close());

/** Of what keeps this process alive. */
const ports = (): number => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;

describe("a thread that replies to calls in their order", () => {
  test("gives each caller the reply to its own, and is what it was made to be", async () => {
    const replies = await Promise.all(["a", "b", "c"].map((text) => thread.ask({ text })));
    expect(replies).toEqual(["a", "b", "c"].map((text) => ({ text, workerData: 7 })));
  });

  test("is given buffers away, not copies", async () => {
    const bytes = new Uint8Array(9);
    await thread.ask({ text: "kept", bytes });
    expect(bytes).toHaveLength(9);
    await thread.ask({ text: "given", bytes }, [bytes.buffer]);
    expect(bytes).toHaveLength(0);
  });

  test("refuses everyone who waits when it ends, by its name, and begins again for the next", async () => {
    const waiting = [thread.ask({ text: "a", ends: true }), thread.ask({ text: "b" })];
    const outcomes = (await Promise.allSettled(waiting)).map((outcome) =>
      outcome.status === "rejected" ? String(outcome.reason) : outcome.status,
    );
    expect(outcomes).toEqual(Array<string>(2).fill("Error: the thread that echoes has ended"));
    expect(await thread.ask({ text: "c" })).toMatchObject({ text: "c" });
  });

  test("tells what it failed for", async () => {
    await expect(thread.ask({ text: "a", fails: true })).rejects.toThrow("a failed");
    expect(await thread.ask({ text: "b" })).toMatchObject({ text: "b" });
  });

  test("is closed with those who wait, whether or not it was ever asked", async () => {
    await thread.close();
    await thread.ask({ text: "a" });
    const refused = expect(thread.ask({ text: "b", isSilent: true })).rejects.toThrow(
      "the thread that echoes has ended",
    );
    await thread.close();
    await refused;
  });

  test("keeps the process alive while it is asked, and no longer", async () => {
    const before = ports();
    const [first, second] = [thread.ask({ text: "a" }), thread.ask({ text: "b" })];
    expect(ports()).toBe(before + 1);
    await first;
    expect(ports()).toBe(before + 1); // the second is still asked
    await second;
    expect(ports()).toBe(before);
    const again = thread.ask({ text: "c" });
    expect(ports()).toBe(before + 1);
    await again;
    expect(ports()).toBe(before);
  });
});
