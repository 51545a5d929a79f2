// What a run of the tests has once: the program as the package ships it, and a folder for what its files share.
import { chmodSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import bundle from "../bundle.js";

export default async function setup({ rootDir }) {
  await bundle(join(rootDir, "../.."));
  const folder = mkdtempSync(join(tmpdir(), "auditql-run-"));
  chmodSync(folder, 0o755); // servers of other users read from it
  process.env["AUDITQL_TEST_RUN"] = folder;
}
