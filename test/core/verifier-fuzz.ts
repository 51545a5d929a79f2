import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { base64 } from "../../src/core/bytes.js";
import { parseVerifierKey } from "../../src/core/checkpoint.js";
import type { EntryClaim, RootClaim } from "../../src/core/claim.js";
import { FORMAT_NAMES } from "../../src/core/format.js";
import { isPlainObject } from "../../src/core/json.js";
import { nobleEd25519 } from "../../src/core/signature.js";
import { trustLog, type TrustedLog } from "../../src/core/verify.js";
import { nodeEd25519 } from "../../src/keys/node-crypto.js";
import { verdictsOf } from "../vectors/verdicts.js";
import { fuzzCompleteness } from "./completeness-fuzz.js";
import { Random } from "./mutable-value.js";
import { mutatedDocument } from "./mutated-document.js";

/** A document on which the two verifiers differ, and what each says. */
interface Disagreement {
  readonly text: string;
  readonly core: readonly string[];
  readonly python: readonly string[];
}

export interface Fuzz {
  /** What the two verifiers differ on, and what each says. */
  readonly disagreements: readonly unknown[];
  /** How often each verdict was given, its reason included. */
  readonly verdicts: ReadonlyMap<string, number>;
}

/** What both say of a text that is no document. */
const UNUSABLE = ["unusable"];
const BATCH = 250;
/** The JavaScript of @noble is slow, and agrees with the platform's on vectors of its own: one document in so many. */
const NOBLE_EVERY = 20;

/** Reads a document's text as a JSON string on each line, and writes the verdicts on it as one line. */
const SERVE = `
import json, sys
sys.path.insert(0, "verifiers/python")
import auditql_verify as v
for line in sys.stdin:
    try:
        verdicts = [" ".join(check) for check in v.check_document(v.parse_json(json.loads(line)))]
    except (ValueError, RecursionError, v.Unusable):
        verdicts = ["unusable"]
    print(json.dumps(verdicts), flush=True)
`;

/** Asks core and one long-lived Python about so many mutated documents; the same seed makes the same ones. */
export async function fuzzVerifiers(count: number, seed: number): Promise<Fuzz> {
  const random = new Random(seed);
  const python = spawn("python3", ["-B", "-c", SERVE], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
  const disagreements: Disagreement[] = [];
  const verdicts = new Map<string, number>();
  try {
    for (let done = 0; done < count; done += BATCH) {
      const texts = Array.from({ length: Math.min(BATCH, count - done) }, () => mutatedDocument(random));
      python.stdin.write(texts.map((text) => `${JSON.stringify(text)}\n`).join(""));
      for (const [i, text] of texts.entries()) {
        const core = coreVerdicts(text, (done + i) % NOBLE_EVERY === 0 ? nobleEd25519 : PLATFORM);
        const answer = await answers.next();
        if (answer.done === true) throw new Error("the verifier in Python ended");
        if (JSON.stringify(JSON.parse(answer.value)) !== JSON.stringify(core)) {
          disagreements.push({ text, core, python: JSON.parse(answer.value) as readonly string[] });
        }
        for (const line of core) tally(verdicts, line.replace(/^\S+\[\d+\] /, ""));
      }
    }
    return { disagreements, verdicts };
  } finally {
    python.stdin.end();
    await new Promise((resolve) => python.once("close", resolve));
  }
}

const PLATFORM = nodeEd25519();

export function tally(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** As the verifier in Python reads a document: what it says of the log must be usable, all else is judged. */
function coreVerdicts(text: string, ed25519: typeof nobleEd25519): readonly string[] {
  const document = parsed(text);
  if (!isPlainObject(document)) return UNUSABLE;
  const log = trustedLog(document, ed25519);
  const { entries = [], roots = [] } = document;
  if (log === undefined || !areClaims(entries) || !areClaims(roots)) return UNUSABLE;
  return entries.length + roots.length === 0 ? UNUSABLE : verdictsOf(log, { entries, roots });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function areClaims(value: unknown): value is readonly (EntryClaim & RootClaim)[] {
  return Array.isArray(value) && value.every(isPlainObject);
}

function trustedLog(
  { format, origin, publicKey }: Readonly<Record<string, unknown>>,
  ed25519: typeof nobleEd25519,
): TrustedLog | undefined {
  const name = FORMAT_NAMES.find((known) => known === format);
  if (name === undefined || typeof origin !== "string" || typeof publicKey !== "string") return undefined;
  const named = parseVerifierKey(publicKey, ed25519);
  if (named !== undefined && named.name !== origin) return undefined;
  try {
    const key = named === undefined ? publicKey : base64(named.publicKey);
    return trustLog({ format: name, origin, publicKey: key }, { ed25519 });
  } catch {
    return undefined;
  }
}

/** One document about completeness costs as much as so many others. */
const COMPLETENESS_COST = 20;

/** `node build/test/core/verifier-fuzz.js [documents] [seed]` */
async function main([count = "100000", seed = "1"]: readonly string[]): Promise<void> {
  const documents = Number(count);
  const fuzz = await reported(`${count} documents`, () => fuzzVerifiers(documents, Number(seed)));
  const fewer = Math.ceil(documents / COMPLETENESS_COST);
  const completeness = await reported(`${fewer} proofs of completeness`, () => fuzzCompleteness(fewer, Number(seed)));
  process.exitCode = fuzz + completeness === 0 ? 0 : 1;
}

/** Prints what came of it. Returns the number of disagreements. */
export async function reported(what: string, fuzz: () => Promise<Fuzz>): Promise<number> {
  const began = Date.now();
  const { disagreements, verdicts } = await fuzz();
  for (const [verdict, times] of [...verdicts].sort()) console.log(String(times).padStart(9), verdict);
  const seconds = Math.round((Date.now() - began) / 1000);
  const checks = [...verdicts.values()].reduce((sum, times) => sum + times, 0);
  console.log(`${what}, ${checks} checks, ${disagreements.length} disagreements, ${seconds} s`);
  for (const disagreement of disagreements.slice(0, 10)) console.log(JSON.stringify(disagreement, null, 1));
  return disagreements.length;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main(process.argv.slice(2));
