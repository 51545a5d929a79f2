import { beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { program, type Commands } from "../../src/cli/program.js";
import { MAIN } from "../gateway.js";
import { describeWith, findProgram } from "../service.js";
import { ended } from "./verifiers.js";

const BASH = findProgram("bash");
/** Not on every machine that runs these tests: what their scripts complete was tried by hand. */
const SHELLS = ["zsh", "fish"] as const;

const nothing = (): never => {
  throw new Error("nothing is run here");
};
const COMMANDS: Commands = {
  ...{ serve: nothing, demo: nothing, verify: nothing, save: nothing, schema: nothing, fsck: nothing, copy: nothing },
  ...{
    watch: nothing,
    log: nothing,
    logEvents: nothing,
    search: nothing,
    importEvents: nothing,
    root: nothing,
    tail: nothing,
  },
  ...{ exportEntries: nothing, auditIndex: nothing },
};

async function scriptFor(shell: string): Promise<string> {
  const { status, stdout, stderr } = await ended([process.execPath, MAIN, "completion", shell]);
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

describeWith("bash", BASH !== undefined, () => {
  let script = "";
  beforeAll(async () => {
    script = await scriptFor("bash");
  });

  /** What bash proposes for the last of each line's words, in one bash for all of them; it has read the script twice. */
  async function proposed(lines: readonly (readonly string[])[]): Promise<readonly (readonly string[])[]> {
    const asked = lines.map((words) => {
      const quoted = words.map((word) => `'${word}'`).join(" ");
      return `COMP_WORDS=(auditql ${quoted}); COMP_CWORD=${words.length}; COMPREPLY=(); _auditql; echo "\${COMPREPLY[*]}"\n`;
    });
    const input = ["set -u\n", script, script, ...asked];
    const { status, stdout, stderr } = await ended([BASH ?? "bash", "--norc"], input);
    expect([status, stderr]).toEqual([0, ""]);
    return stdout.split("\n").map((line) => line.split(" ").filter((word) => word !== ""));
  }

  test.each([
    ["a command", ["se"], ["serve", "search"]],
    ["a command below another", ["key", "cr"], ["create"]],
    ["an option", ["search", "--st"], ["--style"]],
    ["an option behind another with its value", ["search", "--limit", "5", "--pro"], ["--prove"]],
    ["an option of a command below another", ["key", "create", "--exp"], ["--expires-in-days"]],
    ["an option where a word is also a command", ["log", "serve", "--act"], ["--actor", "--action"]],
    ["a choice", ["search", "--style", ""], ["table", "ndjson", "csv"]],
    ["a choice behind =", ["search", "--style", "=", "n"], ["ndjson"]],
    ["a choice behind = alone", ["search", "--style", "="], ["table", "ndjson", "csv"]],
    ["a setting's choice", ["serve", "--log-format", "p"], ["pangea"]],
    ["an argument with choices", ["completion", ""], ["bash", "zsh", "fish"]],
    ["a file for an argument, which bash finds itself", ["verify", ""], []],
    ["a file for an option, which bash finds itself", ["save", "--out", ""], []],
    ["no option for a value that is text", ["log", "hello", "--actor", "--"], []],
  ])("completes %s", async (_what, words, expected) => {
    expect((await proposed([words]))[0]).toEqual(expected);
  });

  test("proposes every command and every option that there is", async () => {
    const walk = (command: Command, path: readonly string[]): readonly (readonly [readonly string[], Command])[] => [
      [path, command],
      ...command.commands.flatMap((one) => walk(one, [...path, one.name()])),
    ];
    const places = walk(program(COMMANDS, {}), []);
    expect(places.length).toBeGreaterThan(15);
    const answers = await proposed(
      places.flatMap(([path]) => [
        [...path, ""],
        [...path, "--"],
      ]),
    );
    for (const [i, [path, command]] of places.entries()) {
      const [words = [], options = []] = answers.slice(2 * i);
      expect([path, words]).toEqual([path, expect.arrayContaining(command.commands.map((one) => one.name()))]);
      expect([path, options]).toEqual([path, expect.arrayContaining(command.options.map(({ long }) => long))]);
    }
  });

  test("starts nothing that is typed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "auditql-completion-"));
    const [made, file] = [join(folder, "made"), join(folder, "script.bash")];
    await writeFile(file, script);
    const typed = `COMP_WORDS=(auditql search '$(touch ${made})' ''); COMP_CWORD=3; _auditql; ls ${folder}`;
    const { stdout } = await ended([BASH ?? "bash", "--norc"], [`source ${file}\n${typed}\n`]);
    expect(stdout).toBe("script.bash\n");
    await rm(folder, { recursive: true });
  });
});

describe.each(SHELLS)("the script for %s", (shell) => {
  test("names every command, and says what each is for", async () => {
    const script = await scriptFor(shell);
    for (const command of program(COMMANDS, {}).commands) {
      expect(script).toContain(command.name());
      expect(script).toContain(
        command
          .description()
          .slice(0, 20)
          .replaceAll("'", shell === "zsh" ? "'\\''" : "\\'"),
      );
    }
  });
});
