import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { program, type Commands } from "../../src/cli/program.js";

/** What is started wrongly must do nothing. */
const started = () => Promise.reject(new Error("started"));
const COMMANDS: Commands = {
  ...{ serve: started, demo: started, verify: started, save: started },
  ...{ schema: started, fsck: started, copy: started, watch: started },
  ...{
    log: started,
    logEvents: started,
    search: started,
    importEvents: started,
    root: started,
    tail: started,
    exportEntries: started,
    auditIndex: started,
  },
};

describe("what is started wrongly exits 2, for 1 means a finding", () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test.each([
    "",
    "nonsense",
    "serve --nonsense",
    "demo --store memory:",
    "verify",
    "verify evidence.json --key k --trust keys.txt",
    "verify evidence.json --json --quiet",
    "save",
    "log",
    "log hello --file events.ndjson",
    "log --file events.ndjson --actor dana",
    "log --file events.ndjson --tenant-id t",
    "log --file events.ndjson --idempotency-key k",
    "search --style xml",
    "search a b",
    "search --limit 0",
    "export --format json",
    "export a b",
    "tail --from -1",
    "tail status:denied",
    "root --key",
    "root newest",
    "watch",
    "watch --key k",
    "audit-index",
    "audit-index --key k --trust keys.txt",
    "audit-index --key k --all --random 3",
    "audit-index --key k --random 0",
    "import",
    "import events.ndjson --from xml",
    "import events.csv --columns message",
    "schema --nonsense",
    "fsck --nonsense",
    "copy memory:",
    "key",
    "key nonsense",
    "key create",
    "key create --name ci",
    "key list --nonsense",
    "key revoke",
    "completion",
    "completion tcsh",
  ])("auditql %s", async (line) => {
    jest.spyOn(process.stderr, "write").mockReturnValue(true);
    jest.spyOn(process, "exit").mockImplementation((code) => {
      throw new Error(`exit ${code ?? 0}`);
    });
    const words = line.split(" ").filter((word) => word !== "");
    await expect(program(COMMANDS, {}).parseAsync(words, { from: "user" })).rejects.toThrow("exit 2");
  });

  test("a file on a terminal, which what was logged could rewrite", async () => {
    jest.spyOn(process.stderr, "write").mockReturnValue(true);
    jest.spyOn(process, "exit").mockImplementation((code) => {
      throw new Error(`exit ${code ?? 0}`);
    });
    const { isTTY } = process.stdout;
    process.stdout.isTTY = true;
    try {
      const line = (...words: readonly string[]) => program(COMMANDS, {}).parseAsync(words, { from: "user" });
      await expect(line("export")).rejects.toThrow("exit 2");
      await expect(line("search", "--style", "csv")).rejects.toThrow("exit 2");
      await expect(line("search")).rejects.toThrow("started");
      await expect(line("export", "--out", "entries.ndjson")).rejects.toThrow("started");
    } finally {
      process.stdout.isTTY = isTTY;
    }
  });
});
