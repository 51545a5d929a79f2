import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The path of a file of this package: the package asks for itself by name, for the code may be bundled to anywhere in it. */
export function packageFile(name: string): string {
  return join(dirname(createRequire(import.meta.url).resolve("auditql/package.json")), name);
}

/** That of the package. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as { readonly version: string }).version;
}
