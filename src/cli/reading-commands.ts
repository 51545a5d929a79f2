import { Option, type Command } from "commander";
import { KEY, leafIndex, positiveInteger } from "./arguments.js";
import type { EntryStyle } from "./entry-printer.js";
import type { ExportFlags, ExportFormat } from "./export.js";
import type { RootFlags } from "./root.js";
import type { SearchFlags } from "./search.js";
import type { TailFlags } from "./tail.js";

/** What the commands do that show what a gateway has. Each returns the exit code. */
export interface ReadingCommands {
  search(query: string, flags: SearchFlags): Promise<number>;
  exportEntries(query: string, flags: ExportFlags): Promise<number>;
  root(flags: RootFlags): Promise<number>;
  tail(flags: TailFlags): Promise<number>;
}

/** A command with what it reaches a gateway by. */
export type NewCommand = (name: string, description: string, whichLog: string) => Command;

const SEARCH_HELP = `
With --prove, each entry and each page is checked before it is printed, and trusts the log's key alone; the credential must
see the whole log. Without it nothing is verified.

Exit code: 0 searched, and proven if asked for; 1 not proven; 2 not searched, or not to the end.

Examples:
  auditql search "status:failed" --since 7d
  auditql search actor:dana --since 2026-01-01T00:00:00Z --prove --key "$LOG_KEY"
  auditql search --order oldest --limit 100000 --style csv > entries.csv`;

const ROOT_HELP = `
The time is the gateway's word: no checkpoint has one. That the log kept what it had is for watch to check.

Exit code:
  0  shown; with --key, the key signed this size and hash
  1  the key did not sign it
  2  it could not be found out

Examples:
  auditql root
  auditql root --url https://audit.example.com/graphql --log payments --key "$LOG_KEY" --json`;

const TAIL_HELP = `
Goes on after the entry that it printed last whenever the connection is lost, without gap or repeat. Nothing is verified
here. Exit code: 0 stopped, by SIGINT, SIGTERM or who read its output; 2 it could not go on.

Examples:
  auditql tail --query status:denied
  auditql tail --json --from 0 | your-program`;

const EXPORT_HELP = `
The entries are those of one tree, however far the log grows meanwhile; a CSV cell that a spreadsheet would execute is
changed. Nothing is verified here: that is what save and verify are for. Exit code: 0 all are there, 2 they are not.

Examples:
  auditql export --out entries.ndjson
  auditql export "action:delete" --since 30d --format csv --out deleted.csv`;

export function addReadingCommands(command: NewCommand, commands: ReadingCommands): void {
  addSearch(command, commands);
  addExport(command, commands);
  addTail(command, commands);
  addRoot(command, commands);
}

const order = (first: "newest" | "oldest") =>
  new Option("--order <end>", "which end comes first").choices(["newest", "oldest"]).default(first);
const SINCE = ["--since <time>", "only what was received since: an RFC 3339 time, or such as 7d or 12h"] as const;
const UNTIL = ["--until <time>", "only what was received before"] as const;

function addSearch(command: NewCommand, commands: ReadingCommands): void {
  const styles: readonly EntryStyle[] = ["table", "ndjson", "csv"];
  const style = process.stdout.isTTY ? "table" : "ndjson";
  const made = command("search", "Print the entries that a query finds, newest first.", "the log to search")
    .argument("[query]", "words, field:word and so on; everything if not given", "")
    .option("--limit <count>", "the most entries", positiveInteger, 100)
    .addOption(order("newest"))
    .option(...SINCE)
    .option(...UNTIL)
    .option("--prove", "print nothing but what the log holds, and every match of it; with --key")
    .option(...KEY)
    .option("--schema <path>", "the schema of a log that has its own, for fields in a query to prove")
    .addOption(
      new Option("--style <style>", "how it is printed; table on a terminal, else ndjson")
        .choices(styles)
        .default(style),
    )
    .addOption(new Option("--json", "the same as --style ndjson").implies({ style: "ndjson" }))
    .addHelpText("after", SEARCH_HELP);
  made.action(async (query: string, flags: SearchFlags) => {
    if (flags.style === "csv") requireFile(made);
    process.exitCode = await commands.search(query, flags);
  });
}

/** A file is written as it is, and what was logged may come from anyone: its control characters would rewrite a terminal. */
function requireFile(made: Command): void {
  if (process.stdout.isTTY)
    made.error("error: no file is written to a terminal: redirect it, or use --style table of search");
}

function addExport(command: NewCommand, commands: ReadingCommands): void {
  const formats: readonly ExportFormat[] = ["ndjson", "csv"];
  const made = command(
    "export",
    "Write every entry that a query finds, as JSON lines or CSV, oldest first.",
    "the log to export",
  )
    .argument("[query]", "words, field:word and so on; everything if not given", "")
    .addOption(new Option("--format <format>", "how they are written").choices(formats).default("ndjson"))
    .addOption(order("oldest"))
    .option(...SINCE)
    .option(...UNTIL)
    .option("--out <path>", "the file to write, when all of it is there; standard output if not given")
    .addHelpText("after", EXPORT_HELP);
  made.action(async (query: string, flags: ExportFlags) => {
    if (flags.out === undefined) requireFile(made);
    process.exitCode = await commands.exportEntries(query, flags);
  });
}

function addTail(command: NewCommand, commands: ReadingCommands): void {
  command("tail", "Print entries as they are logged, one line each.", "the log to follow")
    .option("--query <query>", "only what this finds; everything if not given")
    .option("--from <leaf-index>", "the first entry; those logged from now on if not given", leafIndex)
    .option("--json", "print each as one line of JSON")
    .addHelpText("after", TAIL_HELP)
    .action(async (flags: TailFlags) => {
      process.exitCode = await commands.tail(flags);
    });
}

function addRoot(command: NewCommand, commands: ReadingCommands): void {
  command("root", "Print a log's newest root: its size, hash, time and checkpoint.", "the log to show the root of")
    .option(...KEY)
    .option("--json", "print one line of JSON")
    .addHelpText("after", ROOT_HELP)
    .action(async (flags: RootFlags) => {
      process.exitCode = await commands.root(flags);
    });
}
