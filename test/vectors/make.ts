import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { FORMAT_NAMES } from "../../src/core/format.js";
import type { Attack } from "./attack.js";
import { CHECKPOINT_ATTACKS } from "./checkpoint-attacks.js";
import { completenessFiles, type CompletenessFile } from "./completeness.js";
import { CONSISTENCY_ATTACKS } from "./consistency-attacks.js";
import { VectorLog, type Document } from "./document.js";
import { edgeCases, signatureVectorsText } from "./ed25519-edges.js";
import { ENTRY_ATTACKS } from "./entry-attacks.js";
import { fraudFiles, type FraudFile } from "./fraud.js";
import { MEMBERSHIP_ATTACKS } from "./membership-attacks.js";

/** One file of vectors: a lie, and for each log format the document that tells it with the verdict of every check. */
export interface VectorFile {
  readonly about: string;
  readonly source: string;
  readonly cases: readonly VectorCase[];
}

export interface VectorCase {
  readonly document: Document;
  /** One line per check, in the order of the document: `entries[0] membership INVALID PROOF_LENGTH`. */
  readonly verdicts: readonly string[];
}

const LOGS = FORMAT_NAMES.map((format) => new VectorLog(format));
const ATTACKS = [...MEMBERSHIP_ATTACKS, ...CONSISTENCY_ATTACKS, ...CHECKPOINT_ATTACKS, ...ENTRY_ATTACKS];

/** Every vector file by its path, always the same. */
export function vectorFiles(): ReadonlyMap<string, VectorFile> {
  return new Map(ATTACKS.map((attack) => [`${attack.name}.json`, vectorFile(attack)]));
}

export function fileText(file: VectorFile | CompletenessFile | FraudFile): string {
  return `${JSON.stringify(file, null, 2)}\n`;
}

function vectorFile(attack: Attack): VectorFile {
  const documents = LOGS.map((log) => attack.document(log));
  const cases = documents.map((document) => ({ document, verdicts: expectedVerdicts(document, attack) }));
  return { about: attack.about, source: attack.source, cases };
}

/** An honest document's verdicts, with those that the lie changes. */
function expectedVerdicts(document: Document, { want }: Attack): readonly string[] {
  const verdicts = { ...honestVerdicts(document), ...want };
  return Object.entries(verdicts).map(([check, verdict]) => `${check} ${verdict}`);
}

function honestVerdicts(document: Document): Readonly<Record<string, string>> {
  const entries = document.entries.flatMap((entry, i) => {
    const proven = entry.membershipProof ? "VALID" : "UNKNOWN NO_PROOF";
    const signed = entry.canonical.includes('"signature":') ? "VALID" : "UNKNOWN NO_SIGNATURE";
    const verdicts = { hash: "VALID", signature: signed, membership: proven, checkpoint: proven };
    return Object.entries(verdicts).map(([check, verdict]) => [`entries[${i}] ${check}`, verdict] as const);
  });
  const roots = document.roots.flatMap((root, i) => [
    [`roots[${i}] checkpoint`, "VALID"] as const,
    [`roots[${i}] consistency`, root.consistencyProof ? "VALID" : "UNKNOWN NO_PROOF"] as const,
  ]);
  return Object.fromEntries([...entries, ...roots]);
}

/** `node build/test/vectors/make.js [folder]`: writes the files again, for the committed ones to be compared with. */
function main(folder: string): void {
  const texts = [...vectorFiles(), ...completenessFiles(), ...fraudFiles()].map(
    ([path, file]) => [path, fileText(file)] as const,
  );
  for (const [path, text] of [...texts, ["ed25519/edge-cases.json", signatureVectorsText(edgeCases())] as const]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main(process.argv[2] ?? "test/vectors");
