import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { CompletenessDocument } from "../vectors/completeness-document.js";

/** Reads a document on each line, and writes its verdict as one line. */
const SERVE = `
import sys
sys.path.insert(0, "verifiers/python")
import auditql_completeness as c
for line in sys.stdin:
    print(c.check_document(c.v.parse_json(line)), flush=True)
`;

/** One long-lived Python that verifies completeness. */
export class PythonCompleteness {
  readonly #python = spawn("python3", ["-B", "-c", SERVE], { stdio: ["pipe", "pipe", "inherit"] });
  readonly #answers = createInterface({ input: this.#python.stdout })[Symbol.asyncIterator]();

  /** Its verdict on each document, in order. */
  async verdicts(documents: readonly CompletenessDocument[]): Promise<readonly string[]> {
    this.#python.stdin.write(documents.map((document) => `${JSON.stringify(document)}\n`).join(""));
    const verdicts: string[] = [];
    while (verdicts.length < documents.length) {
      const answer = await this.#answers.next();
      if (answer.done === true) throw new Error("the verifier in Python ended");
      verdicts.push(answer.value);
    }
    return verdicts;
  }

  async close(): Promise<void> {
    this.#python.stdin.end();
    await new Promise((resolve) => this.#python.once("close", resolve));
  }
}
