import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
/** Of this package. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const TOOLS = join(ROOT, "schema-tools/node_modules");

/** A program of a user in a folder of its own, with the clients under test installed. */
export interface ExampleFolder {
  write(name: string, text: string): Promise<void>;
  /** Runs a program by its path. Rejects with what it printed, if it fails. */
  tool(program: string, ...args: readonly string[]): Promise<void>;
  /** Runs a file: the lines that it printed. Rejects if it fails, warns, or takes two minutes. */
  lines(name: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Inside this package, so that examples find `auditql` too. */
export async function exampleFolder(): Promise<ExampleFolder> {
  const folder = await mkdtemp(join(ROOT, "build/client-example-"));
  await symlink(join(ROOT, "test/clients/node_modules"), join(folder, "node_modules"));
  // Tools of others look for their plugins in NODE_PATH; a WebSocket is global without a flag from Node 22.
  const options = { cwd: folder, timeout: 120_000, env: { ...process.env, NODE_PATH: TOOLS } };
  return {
    write: (name, text) => writeFile(join(folder, name), text),
    async tool(program, ...args) {
      const { stdout, stderr, failed } = await ended(run(program, args, options));
      if (failed) throw new Error(`${program} ${args.join(" ")}\n${stdout}${stderr}`);
    },
    async lines(name) {
      const args = ["--experimental-websocket", "--disable-warning=ExperimentalWarning", name];
      const { stdout, stderr, failed } = await ended(run(process.execPath, args, options));
      if (failed || stderr !== "") throw new Error(`${name} printed:\n${stdout}${stderr}`);
      return stdout.trimEnd().split("\n");
    },
    close: () => rm(folder, { recursive: true }),
  };
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly failed: boolean;
}

async function ended(running: Promise<{ readonly stdout: string; readonly stderr: string }>): Promise<Ended> {
  try {
    return { ...(await running), failed: false };
  } catch (error) {
    const { stdout = "", stderr = String(error) } = error as Partial<Ended>;
    return { stdout, stderr, failed: true };
  }
}
