import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { nobleEd25519 } from "../../src/core/signature.js";
import { claimsOf, verifyResponse, type GatewayResponse } from "../../src/core/verify-response.js";
import { trustVerifierKey } from "../../src/core/verify.js";
import { nodeEd25519 } from "../../src/keys/node-crypto.js";
import { anySlot, isMembers, Random, slotsOf, type Members, type Value } from "./mutable-value.js";
import { bentJson, lieIn } from "./mutated-document.js";
import { realResponses, type RealCase } from "./real-responses.js";
import { reported, tally, type Fuzz } from "./verifier-fuzz.js";

const BATCH = 250;
/** The JavaScript of @noble is slow, and agrees with the platform's on vectors of its own: one response in so many. */
const NOBLE_EVERY = 20;

/**
 * Reads a case as JSON on each line, and writes the verdicts on it as one line. A file is read as `auditql_verify.py FILE
 * --key KEY` reads it, from its bytes; that it is of the log whose key is given is what the reader of a download expects.
 */
const SERVE = `
import io, json, sys
sys.path.insert(0, "verifiers/python")
import auditql_verify as v

def known_of(value):
    return None if value is None else (v.read_number(value.get("treeSize")), v.read_hash(value.get("hash")))

def file_lines(case, trusted):
    check = v.EvidenceCheck(trusted, (), known_of(case["known"]))
    opened = check.open_log
    def open_log():
        log = opened()
        if log["trust"] != "given" or log["format"] != case["format"]:
            raise v.Unusable("this is of another log")
        return log
    check.open_log = open_log
    lines = []
    try:
        for piece in v.read_evidence(io.BytesIO(case["file"].encode("utf-8")).read):
            lines += [" ".join(line) for line in check.take(piece)]
        # A proof of completeness or fraud is not what this is about.
        check.claims = []
        check.head.pop("proof", None)
        lines += [" ".join(line) for line in check.end()]
    except (v.Unusable, UnicodeDecodeError, RecursionError):
        lines.append("download evidence INVALID MALFORMED_EVIDENCE")
    return lines

def claim_lines(case, trusted):
    check = v.EvidenceCheck(trusted, (), known_of(case["known"]))
    head = {"format": case["format"], "origin": next(iter(trusted))}
    lines = []
    for piece in v.document_pieces(dict(head, **case["claims"])):
        lines += [" ".join(line) for line in check.take(piece)]
    return lines + [" ".join(line) for line in check.end()]

for line in sys.stdin:
    case = v.parse_json(line)
    trusted = v.trusted_keys([("key", case["key"])])
    print(json.dumps(file_lines(case, trusted) if "file" in case else claim_lines(case, trusted)), flush=True)
`;

/** A response with lies in it. */
interface Mutated extends Omit<RealCase, "response"> {
  readonly response: GatewayResponse;
  /** Whether the reader remembers a root. */
  readonly remembers: boolean;
}

/** Asks core and one long-lived Python about so many mutated responses; the same seed makes the same ones of the same responses. */
export async function fuzzResponses(count: number, seed: number): Promise<Fuzz> {
  const random = new Random(seed);
  const honest = await realResponses();
  const python = spawn("python3", ["-B", "-c", SERVE], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
  const found: Fuzz & { disagreements: unknown[]; verdicts: Map<string, number> } = {
    disagreements: [],
    verdicts: new Map(),
  };
  const next = async (): Promise<readonly string[]> => {
    const answer = await answers.next();
    if (answer.done === true) throw new Error("the verifier in Python ended");
    return JSON.parse(answer.value) as readonly string[];
  };
  try {
    for (let done = 0; done < count; done += BATCH) {
      const some = Array.from({ length: Math.min(BATCH, count - done) }, () => mutated(honest, random));
      python.stdin.write(
        some
          .flatMap(questions)
          .map((question) => `${question}\n`)
          .join(""),
      );
      for (const [i, one] of some.entries()) {
        const core = await coreLines(one, (done + i) % NOBLE_EVERY === 0);
        const other =
          one.response.kind === "roots" ? [...(await next()), ...(await next()).map(asSecond)] : await next();
        if (JSON.stringify(core) !== JSON.stringify(other)) found.disagreements.push({ ...one, core, python: other });
        for (const line of core) tally(found.verdicts, line.replace(/^\S+ /, ""));
      }
    }
    return found;
  } finally {
    python.stdin.end();
    await new Promise((resolve) => python.once("close", resolve));
  }
}

/** Python checks two roots one after the other, and core both in one call. */
function asSecond(line: string): string {
  return line.replace("roots[0]", "roots[1]");
}

const PLATFORM = nodeEd25519();

async function coreLines(one: Mutated, isNoble: boolean): Promise<readonly string[]> {
  const log = trustVerifierKey(one.verifierKey, one.format, { ed25519: isNoble ? nobleEd25519 : PLATFORM });
  const lines: string[] = [];
  for await (const { of, check, verdict } of verifyResponse(log, one.response, knownOf(one)))
    lines.push([of, check, verdict.kind, ...(verdict.kind === "VALID" ? [] : [verdict.reason])].join(" "));
  return lines;
}

function knownOf({ known, remembers }: Mutated): RealCase["known"] | undefined {
  return remembers ? known : undefined;
}

/** What Python is asked: as many lines as it answers. */
function questions(one: Mutated): readonly string[] {
  const { format, verifierKey: key, response } = one;
  const known = knownOf(one) ?? null;
  if (response.kind === "download") return [JSON.stringify({ format, key, known, file: textOf(response) })];
  if (response.kind !== "roots") return [JSON.stringify({ format, key, known, claims: claimsOf(response) })];
  const [older, newer] = [
    claimsOf({ kind: "root", root: response.older }),
    claimsOf({ kind: "root", root: response.newer }),
  ];
  return [
    JSON.stringify({ format, key, known, claims: older }),
    JSON.stringify({ format, key, known: older.roots[0], claims: newer }),
  ];
}

function mutated(honest: readonly [RealCase, ...RealCase[]], random: Random): Mutated {
  const one = random.pick(honest);
  const [remembers, other] = [random.chance(50), random.pick(honest)];
  if (one.response.kind === "download")
    return { ...one, remembers, response: fileOf(mutatedText(one.response.download, random)) };
  const members: Members = { ...structuredClone(one.response), format: one.format };
  if (random.chance(25)) spliced(members, other, random);
  if (random.chance(95)) lieIn(members, random);
  return { ...one, remembers, response: given(one.response.kind, members) };
}

type File = GatewayResponse & { readonly kind: "download" };

/** Of a text as it is written to a file: a lone surrogate becomes another character. */
function fileOf(text: string): File & { readonly download: Buffer } {
  return { kind: "download", download: Buffer.from(text) };
}

function textOf({ download }: File): string {
  return Symbol.asyncIterator in download ? "" : Buffer.from(download).toString();
}

/** As a program that calls the package gives it: what it asked for, it knows. */
function given(kind: Exclude<GatewayResponse["kind"], "download">, members: Members): GatewayResponse {
  if (kind === "roots") return { kind, older: members["older"], newer: members["newer"] };
  if (kind === "entry") return { kind, entry: members["entry"] };
  if (kind === "page") return { kind, page: members["page"] };
  return kind === "receipt" ? { kind, receipt: members["receipt"] } : { kind, root: members["root"] };
}

/** A part of another response in place of one of this: another log's root, an older proof, another entry. */
function spliced(response: Members, { response: other }: RealCase, random: Random): void {
  if (other.kind === "download") return;
  const from = anySlot({ ...structuredClone(other) }, random)?.get() ?? null;
  const alike = slotsOf(response).filter(
    ({ get }) => isMembers(get()) === isMembers(from) && typeof get() === typeof from,
  );
  alike[random.below(Math.max(1, alike.length))]?.set(from);
}

/** A file with lies in its head or in one of its entries; it may break off. */
function mutatedText(text: string, random: Random): string {
  const lines = text.split("\n");
  const at = random.chance(30) ? 0 : random.below(lines.length);
  const line = parsedMembers(lines[at] ?? "");
  if (line !== undefined && random.chance(80)) {
    lieIn(line, random);
    lines[at] = JSON.stringify(line);
  }
  const joined = lines.join("\n");
  if (random.chance(10)) return joined.slice(0, random.below(joined.length));
  return random.chance(25) ? bentJson(joined, random) : joined;
}

function parsedMembers(text: string): Members | undefined {
  try {
    const value = JSON.parse(text) as Value;
    return isMembers(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `node build/test/core/response-fuzz.js [responses] [seed]` */
async function main([count = "100000", seed = "1"]: readonly string[]): Promise<void> {
  const differences = await reported(`${count} responses, seed ${seed}`, () =>
    fuzzResponses(Number(count), Number(seed)),
  );
  process.exitCode = differences === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main(process.argv.slice(2));
