import { Command, Option } from "commander";
import { readSettings, SettingsError, type Environment, type Flags, type Settings } from "../config.js";
import { SETTINGS, type Setting } from "../setting-table.js";
import type { FsckFlags } from "./fsck.js";
import { DEFAULT_KEYS_FILE, keyCommand, type Console } from "./key.js";

/** What the commands do, given by the one place that knows every engine. */
export interface Commands {
  serve(settings: Settings): Promise<void>;
  /** Answers the exit code. */
  verify(file: string): Promise<number>;
  schema(auditable: boolean): Promise<string>;
  /** Answers the exit code. */
  fsck(settings: Settings, flags: FsckFlags): Promise<number>;
  /** Copies the settings' store to another. Answers the exit code. */
  copy(settings: Settings, target: string): Promise<number>;
}

/** How a process ends when it was started wrongly, as opposed to a check that failed. */
const MISUSE = 2;

export function program(commands: Commands, env: Environment): Command {
  const root = new Command("auditql").description("A tamper-evident audit log with a GraphQL API.");
  // Passed on to the commands below. Commander's own code for a mistyped flag is 1, which means a finding here.
  root.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : MISUSE));
  const serve = root.command("serve").description("Start the gateway. Each flag is also an environment variable.");
  for (const setting of Object.values(SETTINGS)) serve.addOption(option(setting));
  serve.action(async (flags: Flags) => {
    const settings = settingsOrExit(flags, env);
    if (settings !== undefined) await commands.serve(settings);
  });
  root
    .command("verify")
    .description("Check entries, proofs and roots that the API answered, without trusting any gateway.")
    .argument("<file>", "JSON document of entries and roots; - reads standard input")
    .addHelpText("after", "\nExit code: 0 everything holds, 1 something does not, 2 the file cannot be read.")
    .action(async (file: string) => {
      process.exitCode = await commands.verify(file);
    });
  root
    .command("schema")
    .description("Print the GraphQL schema as a federation subgraph.")
    .option("--no-auditable", "leave Auditable out, for a supergraph where no subgraph has that interface")
    .action(async ({ auditable }: { readonly auditable: boolean }) => {
      process.stdout.write(await commands.schema(auditable));
    });
  addStoreCommands(root, commands, env);
  root.addCommand(keyCommand(env[SETTINGS.apiKeys.env] || DEFAULT_KEYS_FILE, terminal));
  return root;
}

/** Commands on stored logs, for operators: no gateway may be writing to the store meanwhile. */
function addStoreCommands(root: Command, commands: Commands, env: Environment): void {
  const { store, keyFile, origin } = SETTINGS;
  const fsck = root.command("fsck").description("Derive every log anew from its stored bytes, and name what differs.");
  for (const setting of [store, keyFile, origin]) fsck.addOption(option(setting));
  fsck
    .option(
      "--mark-file <path>",
      "remembers where the last sound check ended; the next goes on there",
      "./data/fsck.json",
    )
    .option("--full", "read everything, whatever was found sound before")
    .addHelpText("after", "\nExit code: 0 sound, 1 something was found, 2 it could not be checked.")
    .action(async ({ markFile, full = false, ...flags }: Flags & FsckFlags) => {
      const settings = settingsOrExit(flags, env);
      if (settings !== undefined) process.exitCode = await commands.fsck(settings, { markFile, full });
    });
  const copy = root
    .command("copy")
    .description(
      "Copy every log to another store, to the byte, with its idempotency keys and bulk requests; resumable.",
    );
  for (const setting of [keyFile, origin]) copy.addOption(option(setting));
  copy
    .argument("<from>", "the store to copy, such as sqlite:./data/audit.db")
    .argument("<to>", "the store to copy to, such as postgres://user@host/database")
    .addHelpText(
      "after",
      "\nExit code: 0 copied and sound, 1 something is wrong with the copy, 2 it could not be copied.",
    )
    .action(async (from: string, to: string, flags: Flags) => {
      const settings = settingsOrExit({ ...flags, store: from }, env);
      if (settings !== undefined) process.exitCode = await commands.copy(settings, to);
    });
}

const terminal: Console = {
  out: (text) => process.stdout.write(`${text}\n`),
  note: (text) => process.stderr.write(`${text}\n`),
};

/** Commander's name of a flag, in camel case, is the setting's. Defaults are told, not set: the environment comes between. */
function option({ flag, env, value, fallback, description }: Setting): Option {
  const otherwise = fallback === "" ? "" : `; default ${fallback}`;
  return new Option(`--${flag} <${value}>`, `${description} (${env}${otherwise})`);
}

function settingsOrExit(flags: Flags, env: Environment): Settings | undefined {
  try {
    return readSettings(flags, env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = MISUSE;
    return undefined;
  }
}
