import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { verifyFile, type VerifyOptions } from "../../src/cli/verify.js";
import { MAIN } from "../gateway.js";
import { findProgram } from "../service.js";
import { recordedOutput } from "./recorded-output.js";

const PYTHON_VERIFIER = fileURLToPath(new URL("../../../verifiers/python/auditql_verify.py", import.meta.url));
const PYTHON = findProgram("python3") ?? "python3";
/** The verifier in Python can check signatures here. */
export const HAS_PYTHON = spawnSync(PYTHON, ["-c", "import cryptography"]).status === 0;

export interface Verified {
  readonly code: number;
  readonly lines: readonly string[];
  readonly note: string;
}

/** What `auditql verify` says, in this process, of a document or of a file's text. */
export async function verified(evidence: unknown, options: VerifyOptions = {}): Promise<Verified> {
  const folder = await mkdtemp(join(tmpdir(), "auditql-verify-"));
  const [file, recorded] = [join(folder, "evidence.json"), recordedOutput()];
  await writeFile(file, typeof evidence === "string" ? evidence : JSON.stringify(evidence));
  const code = await verifyFile(file, options, recorded.output);
  await rm(folder, { recursive: true });
  return { code, lines: recorded.written().split("\n").slice(0, -1), note: recorded.notes() };
}

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; what it does not read of its input is dropped. */
export async function ended(
  command: readonly [string, ...string[]],
  input: Iterable<string | Uint8Array> = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const [program, ...args] = command;
  const child = spawn(program, args, { env: { PATH: process.env["PATH"], ...env } });
  const status = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    pipeline(Readable.from(input), child.stdin).catch(() => undefined),
  ]);
  return { status: await status, stdout, stderr };
}

/** What `main` of the verifier in Python does for each line of arguments, all in one process. */
const SERVE = `
import contextlib, io, json, os, runpy, sys
# As Python does for a program that it is given: the other files lie beside it.
sys.path.insert(0, os.path.dirname(${JSON.stringify(PYTHON_VERIFIER)}))
main = runpy.run_path(${JSON.stringify(PYTHON_VERIFIER)})["main"]
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(json.loads(line))
    print(json.dumps({"code": code, "lines": out.getvalue().split("\\n")[:-1], "note": err.getvalue().rstrip()}))
`;

/** What the verifier in Python says of each text, in one process for all of them. */
export async function verifiedByPython(
  evidence: readonly { readonly text: string; readonly args: readonly string[] }[],
): Promise<readonly Verified[]> {
  const folder = await mkdtemp(join(tmpdir(), "auditql-verify-"));
  const lines = await Promise.all(
    evidence.map(async ({ text, args }, i) => {
      const file = join(folder, `${i}.json`);
      await writeFile(file, text);
      return `${JSON.stringify([file, ...args])}\n`;
    }),
  );
  const { stdout, stderr } = await ended([PYTHON, "-Bc", SERVE], lines);
  await rm(folder, { recursive: true });
  if (stderr !== "") throw new Error(stderr);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Verified);
}

/** Each verifier's command line, before its arguments; `bounded` may not take memory as its input does. */
export const VERIFIERS = [
  {
    name: "auditql verify",
    command: [process.execPath, MAIN, "verify"],
    bounded: [process.execPath, "--max-old-space-size=48", MAIN, "verify"],
    isHere: true,
  },
  {
    name: "auditql_verify.py",
    command: [PYTHON, "-B", PYTHON_VERIFIER],
    bounded: [
      PYTHON,
      "-Bc",
      `import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_DATA, (100 * 2**20, 100 * 2**20))
sys.argv[0] = ${JSON.stringify(PYTHON_VERIFIER)}
runpy.run_path(sys.argv[0], run_name="__main__")`,
    ],
    isHere: HAS_PYTHON,
  },
] as const satisfies readonly { readonly command: readonly [string, ...string[]]; readonly [_: string]: unknown }[];
