import { InvalidArgumentError, Option, type Command } from "commander";
import type { Environment } from "../settings/read.js";
import { LISTENER } from "../settings/table.js";
import type { EventFile, ImportFlags } from "./import.js";
import type { SaveFlags } from "./save.js";
import type { WatchFlags } from "./watch.js";

/** What the commands do that ask a gateway by its API. Each answers the exit code. */
export interface ApiCommands {
  save(flags: SaveFlags): Promise<number>;
  watch(flags: WatchFlags): Promise<number>;
  importEvents(file: string, flags: ImportFlags): Promise<number>;
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
  const withGateway = (command: Command, whichLog: string): Command =>
    command
      .option("--url <url>", "the gateway's GraphQL API", DEFAULT_API)
      .option(
        "--token-file <path>",
        "a file with the credential, an API key or a JSON Web Token (AUDITQL_TOKEN_FILE; or AUDITQL_TOKEN)",
        env["AUDITQL_TOKEN_FILE"] || undefined,
      )
      .option("--log <name>", `${whichLog}; \`default\` if not given`);
  const withKey = (command: Command): Command =>
    command.requiredOption("--key <key>", "the log's verifier key, as you got it over a way that you trust");

  const save = root
    .command("save")
    .description(
      "Save evidence from a gateway, for `auditql verify`: entries, their proofs, and the root they lead to.",
    );
  withGateway(withKey(save), "the log to save from")
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

  const watch = root
    .command("watch")
    .description("Check that a log has kept all that it had when this ran last: made for cron and CI.");
  withGateway(withKey(watch), "the log to watch")
    .requiredOption("--state <path>", "the file that remembers the newest root seen")
    .option("--json", "print one line of JSON")
    .addHelpText("after", WATCH_HELP)
    .action(async (flags: WatchFlags) => {
      process.exitCode = await commands.watch(flags);
    });

  const importing = root
    .command("import")
    .description("Log the events of a file, in its order; nothing where one of them is bad.")
    .argument("<file>", "the events: one JSON object on each line, CSV with a header, or an export of a Pangea log");
  const formats: readonly EventFile[] = ["ndjson", "csv", "pangea-export"];
  withGateway(importing, "the log to import into")
    .addOption(new Option("--from <format>", "how the file is written; csv for *.csv, else ndjson").choices(formats))
    .option("--columns <field=column,…>", "the columns of a CSV file to import, and their fields", columnsIn)
    .option("--dry-run", "log nothing: only name what is wrong with the file")
    .addHelpText("after", IMPORT_HELP)
    .action(async (file: string, flags: ImportFlags) => {
      process.exitCode = await commands.importEvents(file, flags);
    });
}

function columnsIn(text: string): ReadonlyMap<string, string> {
  const columns = text.split(",").map((pair): readonly [string, string] => {
    const [field = "", ...column] = pair.split("=");
    if (field.trim() === "" || column.length === 0)
      throw new InvalidArgumentError(
        `Expected field=column, with a comma between two of them, got ${JSON.stringify(pair)}.`,
      );
    return [field.trim(), column.join("=").trim()];
  });
  return new Map(columns);
}
