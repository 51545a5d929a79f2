import { Command, Option } from "commander";
import {
  readSetting,
  readSettings,
  SettingsError,
  type Environment,
  type Flags,
  type Settings,
} from "../settings/read.js";
import type { SettingRow } from "../settings/setting.js";
import { API_KEYS, SETTINGS, STORAGE, SUBGRAPH_PREFIX } from "../settings/table.js";
import type { FsckFlags } from "./fsck.js";
import { packageVersion } from "../operations/package.js";
import { KEY, positiveInteger, trustOption } from "./arguments.js";
import { addApiCommands, type ApiCommands } from "./api-commands.js";
import { addCompletion } from "./completion.js";
import { addKeyCommand, DEFAULT_KEYS_FILE, type Console } from "./key.js";
import { secretIn } from "./secret-file.js";
import type { VerifyFlags } from "./verify.js";

/** What the commands do, given by the one place that knows every engine. */
export interface Commands extends ApiCommands {
  serve(settings: Settings): Promise<void>;
  /** Serves a made-up day from memory. */
  demo(settings: Settings): Promise<void>;
  /** Returns the exit code. */
  verify(file: string, flags: VerifyFlags): Promise<number>;
  schema(flags: SchemaFlags): Promise<string>;
  /** Returns the exit code. */
  fsck(storage: Settings["storage"], flags: FsckFlags): Promise<number>;
  /** Copies this store to another. Returns the exit code. */
  copy(storage: Settings["storage"], target: string): Promise<number>;
}

/** Which schema is printed. */
export interface SchemaFlags {
  readonly auditable: boolean;
  readonly node: boolean;
  readonly prefix?: string | undefined;
  readonly api?: true;
}

const SECRETS = SETTINGS.rows
  .filter(({ flag }) => flag === undefined)
  .map(({ variable, sentence }) => `  ${variable}  ${sentence}`)
  .join("\n");

/** How a process ends when it was started wrongly, as opposed to a check that failed. */
const MISUSE = 2;

const VERIFY_HELP = `
Exit code:
  0  everything holds under the key that you gave
  1  something does not hold, or a proof that it needs was left out
  2  it could not be checked: wrongly started, unreadable, no evidence, broken off
  3  everything holds, but only for the key inside the file: you gave none
A proof of fraud holds where the log did sign a wrong index: 0 means that it is proven.

Examples:
  auditql verify evidence.ndjson --key "example.com/log/default+5926f6e2+AelP…"
  auditql verify evidence.ndjson --trust keys.txt
  auditql verify evidence.ndjson --key "$LOG_KEY" --json | tail -n 1
  auditql verify evidence.ndjson --key "$LOG_KEY" --quiet || alarm
  auditql verify "https://audit.example.com/downloads/…" --key "$LOG_KEY"
  gunzip --stdout evidence.ndjson.gz | auditql verify - --key "$LOG_KEY"`;

const SERVE_EXAMPLES = `
Examples:
  auditql serve
  auditql serve --port 8080 --store sqlite:/var/lib/auditql/audit.db --key-file /etc/auditql/auditql.key
  AUDITQL_API_KEYS=keys.json auditql serve --host 0.0.0.0 --origin audit.example.com/log`;

const SCHEMA_EXAMPLES = `
Examples:
  auditql schema > schema.graphql
  auditql schema --api > client.graphql
  auditql schema --prefix audit --no-node`;

const FSCK_HELP = `
Exit code: 0 sound, 1 something was found, 2 it could not be checked.

Examples:
  auditql fsck --store sqlite:/var/lib/auditql/audit.db --key-file /etc/auditql/auditql.key
  auditql fsck --full --json`;

export function program(commands: Commands, env: Environment): Command {
  const root = new Command("auditql")
    .description("A tamper-evident audit log with a GraphQL API.")
    .version(packageVersion());
  // Passed on to the commands below. Commander's own code for a mistyped flag is 1, which means a finding here.
  root.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : MISUSE));
  addServing(root, commands, env);
  root
    .command("verify")
    .description("Check entries, proofs and roots that a gateway answered, trusting no gateway: only the log's key.")
    .argument(
      "<file>",
      "evidence as `auditql save` and downloads write it, JSON or lines; - reads standard input, http(s)://… an address",
    )
    .option(...KEY)
    .addOption(trustOption())
    .option(
      "--known-root <root>",
      "its size and hash, as `auditql save` named it: each root must be proven to extend it",
    )
    .option("--schema <path>", "the schema of a log that has its own, for fields in the query")
    .option("--json", "print each check, and last what they come to, as one line of JSON")
    .addOption(new Option("--quiet", "print nothing: the exit code says it").conflicts("json"))
    .addHelpText("after", VERIFY_HELP)
    .action(async (file: string, flags: VerifyFlags) => {
      process.exitCode = await commands.verify(file, flags);
    });
  addApiCommands(root, commands, env);
  root
    .command("schema")
    .description("Print the GraphQL schema as a federation subgraph.")
    .option("--no-auditable", "leave Auditable out, for a supergraph where no subgraph has that interface")
    .option("--no-node", "leave node and nodes out, for a supergraph where another subgraph has them")
    .option("--prefix <name>", `begin the names of root fields, as a gateway does (${SUBGRAPH_PREFIX.variable})`)
    .option("--api", "print it for clients, without what federation adds: for compilers such as Relay's")
    .addHelpText("after", SCHEMA_EXAMPLES)
    .action(async (flags: SchemaFlags) => {
      const given = { flag: "--prefix", text: flags.prefix };
      const wanted = orExit(() => ({ ...flags, prefix: readSetting(SUBGRAPH_PREFIX, given, env) }));
      if (wanted !== undefined) process.stdout.write(await commands.schema(wanted));
    });
  addStoreCommands(root, commands, env);
  addKeyCommand(root, { defaultFile: env[API_KEYS.variable] || DEFAULT_KEYS_FILE, to: terminal });
  addCompletion(root);
  return root;
}

/** What starts a gateway. */
function addServing(root: Command, commands: Commands, env: Environment): void {
  const serve = root.command("serve").description("Start the gateway. Each flag is also an environment variable.");
  for (const row of SETTINGS.rows) addOption(serve, row);
  serve.addHelpText(
    "after",
    `\nA secret itself is no flag, only an environment variable:\n${SECRETS}\n${SERVE_EXAMPLES}`,
  );
  serve.action(async (flags: Flags) => {
    const settings = settingsOrExit(flags, env);
    if (settings !== undefined) await commands.serve(settings);
  });
  root
    .command("demo")
    .description("Start a gateway in memory with a made-up day, of which one entry was changed afterwards.")
    .option("--port <number>", "the port to listen on; default 4000")
    .addHelpText("after", "\nExample:\n  auditql demo --port 8080")
    .action(async (flags: Pick<Flags, "port">) => {
      const settings = settingsOrExit({ ...flags, store: "memory:", "log-level": "warn" }, {});
      if (settings !== undefined) await commands.demo(settings);
    });
}

type StorageFlags = { readonly [name in keyof typeof STORAGE]?: string };

/** Commands on stored logs, for operators: no gateway may be writing to the store meanwhile. */
function addStoreCommands(root: Command, commands: Commands, env: Environment): void {
  const { store, keyFile, previousKeyFiles, origin } = STORAGE;
  const fsck = root.command("fsck").description("Derive every log again from its stored bytes, and name what differs.");
  for (const { rows } of [store, keyFile, previousKeyFiles, origin]) for (const row of rows) addOption(fsck, row);
  fsck
    .option(
      "--mark-file <path>",
      "remembers where the last sound check ended; the next goes on there",
      "./data/fsck.json",
    )
    .option("--full", "read everything, whatever was found sound before")
    .addOption(
      new Option(
        "--random <count>",
        "build so many segments of the search index again, chosen at random, in place of all that are new; says the chance of finding one that is wrong",
      ).argParser(positiveInteger),
    )
    .option(
      "--fraud <path>",
      "where the proof goes that a log signs a wrong index; no file is overwritten",
      "./fraud.json",
    )
    .option("--json", "print each finding, and what each log comes to, as one line of JSON")
    .addHelpText("after", FSCK_HELP)
    .action(async ({ markFile, full = false, random, fraud, json = false, ...flags }: FsckFlags & StorageFlags) => {
      const settings = settingsOrExit(flags, env);
      const wanted = { markFile, full, random, fraud, json };
      if (settings !== undefined) process.exitCode = await commands.fsck(settings.storage, wanted);
    });
  const copy = root
    .command("copy")
    .description("Copy every log to another store, to the byte, with its idempotency keys; resumable.");
  for (const row of [keyFile, previousKeyFiles, origin]) addOption(copy, row);
  copy
    .argument("<from>", "the store to copy, such as sqlite:./data/audit.db")
    .argument("<to>", "the store to copy to, such as postgres://user@host/database")
    .addHelpText(
      "after",
      `
Exit code: 0 copied and sound, 1 something is wrong with the copy, 2 it could not be copied.

Example:
  auditql copy sqlite:./data/audit.db postgres://auditql@db.internal/auditql --key-file auditql.key`,
    )
    .action(async (from: string, to: string, flags: Flags) => {
      const settings = settingsOrExit({ ...flags, store: from }, env);
      if (settings !== undefined) process.exitCode = await commands.copy(settings.storage, to);
    });
}

const terminal: Console = {
  out: (text) => process.stdout.write(`${text}\n`),
  note: (text) => process.stderr.write(`${text}\n`),
};

/** Defaults are told, not set: the environment comes between. */
function addOption(command: Command, { flag, variable, value, default: otherwise, sentence }: SettingRow): void {
  if (flag === undefined) return;
  const note = otherwise === "" ? variable : `${variable}; default ${otherwise}`;
  command.addOption(new Option(`--${flag} <${value}>`, `${sentence} (${note})`));
}

function settingsOrExit(flags: Flags, env: Environment): Settings | undefined {
  return orExit(() => readSettings(flags, env, secretIn));
}

function orExit<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = MISUSE;
    return undefined;
  }
}
