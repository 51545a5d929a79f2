import { open } from "node:fs/promises";
import { extname } from "node:path";
import { hasCode } from "../audit/errors.js";
import { base64 } from "../core/bytes.js";
import type { FormatName } from "../core/format.js";
import { FILE_MODE } from "../keys/private-file.js";

/** A proof of fraud with what it is checked with: docs/format.md, section 8.6. */
export interface FraudEvidence {
  readonly format: FormatName;
  readonly origin: string;
  /** As a C2SP verifier key. */
  readonly publicKey: string;
  readonly checkpoint: string;
  readonly indexCheckpoint: string;
  readonly proof: Uint8Array;
}

/**
 * Writes a proof of fraud for `auditql verify`, and returns the path: where a file is there already, one with a number in its
 * name, because no evidence is ever overwritten.
 */
export async function writeFraud(path: string, { proof, ...evidence }: FraudEvidence): Promise<string> {
  const text = `${JSON.stringify({ ...evidence, proof: base64(proof) })}\n`;
  for (let count = 1; ; count++) {
    const end = extname(path);
    const numbered = count === 1 ? path : `${path.slice(0, path.length - end.length)}-${count}${end}`;
    const file = await open(numbered, "wx", FILE_MODE).catch((error: unknown) => {
      if (hasCode(error, "EEXIST")) return undefined;
      throw error;
    });
    if (file === undefined) continue;
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    return numbered;
  }
}
