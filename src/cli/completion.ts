import { Argument, type Command } from "commander";
import { fishScript, SHELLS, bashScript, zshScript, type Place, type Shell, type Value } from "./completion-scripts.js";

const COMPLETION_HELP = `
The script knows this version's commands and options, and starts nothing while you type.

Examples:
  source <(auditql completion bash)       # for this shell; as a line of ~/.bashrc for every one
  source <(auditql completion zsh)        # the same, in ~/.zshrc after compinit
  auditql completion fish > ~/.config/fish/completions/auditql.fish`;

const SCRIPTS: Readonly<Record<Shell, (program: string, places: readonly Place[]) => string>> = {
  ...{ bash: bashScript, zsh: zshScript, fish: fishScript },
};

/** Adds `completion`, which prints a script for a shell. Comes last: the script has the commands that are there by then. */
export function addCompletion(root: Command): void {
  root
    .command("completion")
    .description("Print the script by which a shell completes commands, options and files.")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText("after", COMPLETION_HELP)
    .action((shell: Shell) => {
      process.stdout.write(SCRIPTS[shell](root.name(), placesOf(root)));
    });
}

/** The program and each command below it, by what commander itself would take there. */
function placesOf(command: Command, path: readonly string[] = []): readonly Place[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const place: Place = {
    path: path.join(" "),
    commands: commands.map((one) => ({ name: one.name(), description: lineOf(one.description()) })),
    options: help.visibleOptions(command).map((option) => ({
      name: option.long ?? option.flags,
      description: lineOf(option.description),
      value: option.required || option.optional ? valueOf(option.flags, option.argChoices) : { kind: "none" },
    })),
    argument: argumentOf(command),
  };
  // A command `help` has the others for its argument; nobody needs more of it.
  const below = commands.filter((one) => one.name() !== "help");
  return [place, ...below.flatMap((one) => placesOf(one, [...path, one.name()]))];
}

function argumentOf(command: Command): Value {
  const [first] = command.registeredArguments;
  return first === undefined ? { kind: "none" } : valueOf(`<${first.name()}>`, first.argChoices);
}

/** By the name that help has for it: a path or a file is completed by the shell, and `on|off` are choices. */
function valueOf(flags: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return { kind: "choice", choices };
  if (/<(?:path|file)\b/.test(flags)) return { kind: "file" };
  const named = /<([\w-]+(?:\|[\w-]+)+)>/.exec(flags)?.[1];
  return named === undefined ? { kind: "text" } : { kind: "choice", choices: named.split("|") };
}

function lineOf(text: string): string {
  return text.replace(/\s+/g, " ");
}
