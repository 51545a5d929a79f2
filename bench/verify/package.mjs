import { createReadStream } from "node:fs";
import { trustVerifierKey, verifyResponse } from "auditql/verify";

// As an auditor's own program: it counts the checks of a file, and keeps none of them.
const [file, key, crypto] = process.argv.slice(2);
const log = trustVerifierKey(key, "rfc6962", crypto === "node" ? await nodeCrypto() : {});
const counts = { VALID: 0, UNKNOWN: 0, INVALID: 0 };
for await (const { verdict } of verifyResponse(log, { kind: "download", download: createReadStream(file) }))
  counts[verdict.kind] += 1;
if (counts.INVALID > 0 || counts.VALID === 0) throw new Error(JSON.stringify(counts));

async function nodeCrypto() {
  const { createHash } = await import("node:crypto");
  return { sha256: (message) => createHash("sha256").update(message).digest() };
}
