import { Command, Option } from "commander";
import {
  readSettings,
  SETTINGS,
  SettingsError,
  type Environment,
  type Flags,
  type Setting,
  type Settings,
} from "../config.js";
import { DEFAULT_KEYS_FILE, keyCommand, type Console } from "./key.js";

/** What the commands do, given by the one place that knows every engine. */
export interface Commands {
  serve(settings: Settings): Promise<void>;
  /** Answers the exit code. */
  verify(file: string): Promise<number>;
  schema(): Promise<string>;
}

/** How a process ends when it was started wrongly, as opposed to a check that failed. */
const MISUSE = 2;

export function program(commands: Commands, env: Environment): Command {
  const root = new Command("auditql").description("A tamper-evident audit log with a GraphQL API.");
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
    .action(async () => {
      process.stdout.write(await commands.schema());
    });
  root.addCommand(keyCommand(env[SETTINGS.apiKeys.env] || DEFAULT_KEYS_FILE, terminal));
  return root;
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
