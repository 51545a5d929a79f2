import { utf8 } from "../../src/core/bytes.js";
import { noteSigner, noteVerifier, openCheckpoint, signCheckpoint } from "../../src/core/checkpoint.js";
import { logFormat, type FormatName } from "../../src/core/format.js";
import { verifyFraudProof } from "../../src/core/segment/fraud-proof.js";
import { openIndexCheckpoint, signIndexCheckpoint } from "../../src/core/segment/index-log.js";
import { publicKeyPem } from "../../src/core/signature.js";
import { nodeEd25519, nodeSha256 } from "../../src/keys/node-crypto.js";
import { accused, caught, caughtRecord, hiding, type Accused } from "../core/segment/lying-index.js";
import { FORMAT, IndexedLog } from "../core/segment/provable-log.js";
import { ORIGIN, PUBLIC_KEY, SEED } from "./document.js";

/** What a verifier of fraud is given: the log as known from elsewhere, what it signed, and the accusation. */
export interface FraudDocument {
  readonly format: FormatName;
  readonly origin: string;
  readonly publicKey: string;
  readonly checkpoint: string;
  readonly indexCheckpoint: string;
  /** Base64. */
  readonly proof: string;
}

/** One file of vectors of fraud. */
export interface FraudFile {
  readonly about: string;
  readonly source: string;
  /** `verdict`: FRAUD and what is wrong, or INVALID and the reason why nothing is proven. */
  readonly cases: readonly { readonly name: string; readonly document: FraudDocument; readonly verdict: string }[];
}

const ED25519 = nodeEd25519();
const SIGNER = noteSigner(ORIGIN, SEED, ED25519);
const VERIFIER = noteVerifier(ORIGIN, PUBLIC_KEY, ED25519);

/** Signs the roots, and writes all down. */
export function fraudDocument({ roots, proof }: Accused): FraudDocument {
  return {
    ...{ format: roots.format.name, origin: ORIGIN, publicKey: publicKeyPem(PUBLIC_KEY) },
    checkpoint: signCheckpoint({ ...roots.log, origin: ORIGIN }, SIGNER),
    indexCheckpoint: signIndexCheckpoint(roots.index, SIGNER),
    proof: Buffer.from(proof).toString("base64"),
  };
}

/** What core says of it. */
export function fraudVerdict(document: FraudDocument): string {
  const log = openCheckpoint(document.checkpoint, VERIFIER);
  if (log.kind === "rejected") return `INVALID ${log.reason}`;
  const index = openIndexCheckpoint(document.indexCheckpoint, VERIFIER, ED25519);
  if (index.kind === "rejected") return `INVALID ${index.reason}`;
  const roots = { log, index, format: logFormat(document.format, nodeSha256), sha256: nodeSha256 };
  const verdict = verifyFraudProof(roots, Uint8Array.from(Buffer.from(document.proof, "base64")));
  return verdict.kind === "FRAUD" ? `FRAUD ${verdict.wrong}` : `INVALID ${verdict.reason}`;
}

/** Every file by its path, always the same. Its entries are short, because a proof holds 256 of them. */
export function fraudFiles(): ReadonlyMap<string, FraudFile> {
  const entries = Array.from({ length: 260 }, (_, leaf) =>
    utf8(`{"event":{"message":"entry ${leaf}"},"received_at":"2026-01-01T00:00:00.000000Z"}`),
  );
  const log = new IndexedLog(260, FORMAT, entries);
  const base = { level: 0, number: 0 };
  const lie = fraudDocument(caught(log, 1, hiding(log, base, 100)));
  const honest = fraudDocument(accused(log, 1, base));
  const cases = [
    { name: "a base in which an entry cannot be found", document: lie, verdict: "FRAUD SEGMENT" },
    { name: "a record that is none", document: fraudDocument(caughtRecord(log, 1, 0)), verdict: "FRAUD RECORD" },
    { name: "a right base", document: honest, verdict: "INVALID AS_SIGNED" },
    { name: "no document", document: { ...lie, proof: "" }, verdict: "INVALID MALFORMED_PROOF" },
    {
      name: "checkpoints of another key",
      document: { ...lie, proof: "", indexCheckpoint: lie.checkpoint },
      verdict: "INVALID UNKNOWN_KEY",
    },
  ];
  const about = "A log that signed an index over a wrong segment, and logs that did not.";
  return new Map([["fraud/base.json", { about, source: "docs/format.md, section 8.6", cases }]]);
}
