import { Option, type Command } from "commander";
import type { Environment } from "../settings/read.js";
import { LISTENER } from "../settings/table.js";
import { columnsIn, KEY, positiveInteger, trustOption } from "./arguments.js";
import type { EventFile, ImportFlags } from "./import.js";
import type { LogFlags } from "./log.js";
import { addReadingCommands, type NewCommand, type ReadingCommands } from "./reading-commands.js";
import type { AuditIndexFlags } from "./audit-index.js";
import type { SaveFlags } from "./save.js";
import type { WatchFlags } from "./watch.js";

/** What the commands do that ask a gateway by its API. Each returns the exit code. */
export interface ApiCommands extends ReadingCommands {
  save(flags: SaveFlags): Promise<number>;
  watch(flags: WatchFlags): Promise<number>;
  auditIndex(flags: AuditIndexFlags): Promise<number>;
  importEvents(file: string, flags: ImportFlags): Promise<number>;
  log(message: string, flags: LogFlags): Promise<number>;
  /** Of a file, or of standard input. */
  logEvents(file: string, flags: LogFlags): Promise<number>;
}

/** Where `auditql serve` listens, if it is told nothing else. */
const DEFAULT_API = `http://${LISTENER.host.default}:${LISTENER.port.default}/graphql`;

const SAVE_HELP = `
Nothing is verified here. Exit code: 0 saved, 2 not saved, or not all of it.

Examples:
  auditql save --key "$LOG_KEY" --out evidence.ndjson
  AUDITQL_TOKEN=aql_… auditql save --url https://audit.example.com/graphql --key "$LOG_KEY" --query actor:dana > evidence.ndjson`;

const WATCH_HELP = `
The file holds the root that was newest, as the log signed it: a C2SP checkpoint. Keep it where the log's operator
cannot write. The first run remembers what it is shown.

Exit code:
  0  the log has every entry that it had, in its place
  1  it does not: entries were cut off or changed, or others are shown another log; standard output has both signed roots
  2  it could not be found out

Example, of an hourly cron job:
  auditql watch --url https://audit.example.com/graphql --key "$LOG_KEY" --state /var/lib/auditor/default.checkpoint`;

const AUDIT_INDEX_HELP = `
It needs no access to the store: the entries and what the log signed of its index come from the gateway, whose word counts for
nothing. Each segment is made again from entries that are in the log's signed tree. Segments that are merged of others are made in
files of the system's temporary folder, some 400 bytes an entry of the largest one. The credential must see the whole log.

Without --all or --random it goes on where the last sound run ended, and requires that log and index extend what they were then.
Where a segment of 256 or 4,096 entries is wrong, anyone can check the proof of fraud: auditql verify fraud.json --key "$LOG_KEY".

Exit code:
  0  every segment that was made again is what the log signed
  1  one is not, or the gateway's answers do not hold; standard output says which
  2  it could not be found out

Examples:
  auditql audit-index --url https://audit.example.com/graphql --key "$LOG_KEY" --mark-file /var/lib/auditor/index.json
  auditql audit-index --key "$LOG_KEY" --all --out /var/lib/auditor/fraud.json
  auditql audit-index --trust keys.txt --random 20 --json
  auditql audit-index --key "$LOG_KEY" --all --entries evidence.ndjson`;

/** By their flags. */
const FIELDS = [
  ["actor", "who did it"],
  ["action", "what was done, such as create"],
  ["target", "what it was done to"],
  ["status", "how it ended"],
  ["source", "where it came from"],
  ["tenant-id", "the tenant it belongs to"],
  ["timestamp", "when it happened, by your own clock"],
  ["old", "the value before the change"],
  ["new", "the value after the change"],
  ["custom", "the fields of the log's own schema, as a JSON object"],
] as const;

const LOG_HELP = `
A file whose name ends in .json has one event or a list of events; any other has one on each line, in the API's names. They are
logged as they come, a line is printed for each, and what is no event is named: import is for a file that is to be logged
whole, or not at all.

Exit code: 0 logged and durable; 1 some events of the file were refused; 2 not logged, or nobody knows: of one event, with an
idempotency key, run it again.

Examples:
  auditql log "signed in" --actor dana --action login --status success
  auditql log --file event.json --sign
  your-program | auditql log --file -`;

const IMPORT_HELP = `
Each event gets the time of its import as received_at. Of a Pangea export each event is verified: its hash, its author's
signature, and that it is in the tree of the root beside it; where it has no time of its own, its timestamp becomes when
Pangea received it. Run again with the same file, after any failure, it logs nothing twice.

Exit code: 0 imported, 1 the file has bad lines and nothing was imported, 2 it could not be done, or not to the end.

Examples:
  auditql import events.ndjson --dry-run
  auditql import users.csv --columns "message=What happened,actor=User"
  auditql import dump.jsonl --from pangea-export --log pangea`;

/** Adds the commands that ask a gateway by its API. */
export function addApiCommands(root: Command, commands: ApiCommands, env: Environment): void {
  const tokenFile = env["AUDITQL_TOKEN_FILE"] || undefined;
  const command: NewCommand = (name, description, whichLog) =>
    root
      .command(name)
      .description(description)
      .option("--url <url>", "the gateway's GraphQL API", DEFAULT_API)
      .option(
        "--token-file <path>",
        "a file with the credential, an API key or a JSON Web Token (AUDITQL_TOKEN_FILE; or AUDITQL_TOKEN)",
        tokenFile,
      )
      .option("--log <name>", `${whichLog}; \`default\` if not given`);
  addLog(command, commands);
  addReadingCommands(command, commands);
  addImport(command, commands);
  addSave(command, commands);
  addWatch(command, commands);
  addAuditIndex(command, commands);
}

function addLog(command: NewCommand, commands: ApiCommands): void {
  const what = "Log an event, or those of a file or of standard input, and print the leaf index and hash of each.";
  const log = command("log", what, "the log to log in");
  log.argument("[message]", "what happened; or else --file");
  for (const [name, what] of FIELDS) log.option(`--${name} <text>`, what);
  log
    .addOption(
      new Option("--file <path>", "events as JSON, or one on each line; - reads standard input").conflicts(
        [...FIELDS.map(([name]) => name), "idempotency-key"].map((name) => name.replace("-i", "I").replace("-k", "K")),
      ),
    )
    .option("--sign", "have the gateway sign the event")
    .option(
      "--idempotency-key <key>",
      "makes it safe to repeat this command: with the same key, nothing is logged twice",
    )
    .option("--json", "print the receipt as one line of JSON")
    .addHelpText("after", LOG_HELP)
    .action(async (message: string | undefined, { file, ...flags }: LogFlags & { readonly file?: string }) => {
      if (file === undefined && message !== undefined) process.exitCode = await commands.log(message, flags);
      else if (file !== undefined && message === undefined) process.exitCode = await commands.logEvents(file, flags);
      else log.error("error: expected a message, or --file, and not both");
    });
}

function addImport(command: NewCommand, commands: ApiCommands): void {
  const formats: readonly EventFile[] = ["ndjson", "csv", "pangea-export"];
  command(
    "import",
    "Log the events of a file, in its order; nothing where one of them is bad.",
    "the log to import into",
  )
    .argument("<file>", "the events: one JSON object on each line, CSV with a header, or an export of a Pangea log")
    .addOption(new Option("--from <format>", "how the file is written; csv for *.csv, else ndjson").choices(formats))
    .option("--columns <field=column,…>", "the columns of a CSV file to import, and their fields", columnsIn)
    .option("--no-timestamp", "add no time to the events of a Pangea export: the log's schema has none")
    .option("--dry-run", "log nothing: only name what is wrong with the file")
    .option("--json", "print what is wrong with a line, and last what it comes to, as one line of JSON")
    .addHelpText("after", IMPORT_HELP)
    .action(async (file: string, flags: ImportFlags) => {
      process.exitCode = await commands.importEvents(file, flags);
    });
}

function addSave(command: NewCommand, commands: ApiCommands): void {
  const what = "Save evidence from a gateway, for `auditql verify`: entries, their proofs, and the root they lead to.";
  command("save", what, "the log to save from")
    .requiredOption(...KEY)
    .option("--query <query>", "save what this finds, every match; everything if not given")
    .addOption(
      new Option("--result <id>", "save the result of a search made before, as much as it counts") //
        .conflicts(["query", "log"]),
    )
    .option("--from-size <size>", "the size of a root that you kept: save the proof that the log still has its entries")
    .option("--prove", "save the proofs that no match is missing too; the credential must see the whole log")
    .option("--out <path>", "the file to write, when all of it is there; standard output if not given")
    .addHelpText("after", SAVE_HELP)
    .action(async (flags: SaveFlags) => {
      process.exitCode = await commands.save(flags);
    });
}

function addWatch(command: NewCommand, commands: ApiCommands): void {
  const what = "Check that a log has kept all that it had when this ran last: made for cron and CI.";
  command("watch", what, "the log to watch")
    .requiredOption(...KEY)
    .requiredOption("--state <path>", "the file that remembers the newest root seen")
    .option("--json", "print one line of JSON")
    .addHelpText("after", WATCH_HELP)
    .action(async (flags: WatchFlags) => {
      process.exitCode = await commands.watch(flags);
    });
}

function addAuditIndex(command: NewCommand, commands: ApiCommands): void {
  const what = "Make the search index again from a log's entries, and prove it where the log signed a wrong one.";
  const made = command("audit-index", what, "the log to audit")
    .option(...KEY)
    .addOption(trustOption())
    .option("--entries <path>", "a file that `auditql save` wrote of the whole log, to read the entries from")
    .option("--all", "make everything again, whatever was found sound before")
    .addOption(
      new Option("--random <count>", "make so many segments again, chosen at random, in place of all that are new")
        .argParser(positiveInteger)
        .conflicts("all"),
    )
    .option("--mark-file <path>", "remembers what was found sound; the next run goes on there", "./audit-index.json")
    .option("--out <path>", "where the proof of fraud goes; no file is overwritten", "./fraud.json")
    .option("--json", "print each finding, and what it comes to, as one line of JSON")
    .addHelpText("after", AUDIT_INDEX_HELP);
  made.action(async (flags: AuditIndexFlags) => {
    if (flags.key === undefined && flags.trust === undefined)
      made.error("error: expected the log's key, as --key <key> or --trust <path>");
    process.exitCode = await commands.auditIndex(flags);
  });
}
