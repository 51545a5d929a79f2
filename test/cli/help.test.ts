import { expect, test } from "@jest/globals";
import type { Command } from "commander";
import { program, type Commands } from "../../src/cli/program.js";

const nothing = (): never => {
  throw new Error("nothing is run here");
};
const COMMANDS: Commands = {
  ...{ serve: nothing, demo: nothing, verify: nothing, save: nothing, schema: nothing, fsck: nothing, copy: nothing },
  ...{ watch: nothing, log: nothing, logEvents: nothing, search: nothing, importEvents: nothing, root: nothing },
  ...{ tail: nothing, exportEntries: nothing, auditIndex: nothing },
};

/** As `auditql … --help` prints it. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

function leaves(
  command: Command,
  path: readonly string[] = [],
): readonly (readonly [path: string, command: Command])[] {
  if (command.commands.length === 0) return [[path.join(" "), command]];
  return command.commands.flatMap((one) => leaves(one, [...path, one.name()]));
}

test.each(leaves(program(COMMANDS, {})))("auditql %s --help has an example, which commander reads", (path, command) => {
  const [, examples = ""] = /^Examples?(?:, of [^:]*)?:\n([^]*)$/m.exec(helpOf(command)) ?? [];
  const lines = examples.split("\n").filter((line) => line.includes(`auditql ${path}`));
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) {
    const named = [...line.slice(line.indexOf(`auditql ${path}`)).matchAll(/(?<= )--[a-z-]+/g)].map(([name]) => name);
    expect(command.options.map(({ long }) => long)).toEqual(expect.arrayContaining(named));
  }
});

test("each option says what it is for", () => {
  for (const [path, command] of leaves(program(COMMANDS, {})))
    for (const { flags, description } of command.options) expect([path, flags, description]).not.toContain("");
});
