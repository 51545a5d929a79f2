import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format, getFileInfo, resolveConfig } from "prettier";
import { unicodeTable } from "../core/words/unicode-source.js";
import { unicodeText } from "../core/words/unicode-text.js";
import { demoWebhooks } from "./demo-webhooks.js";
import { withLicences } from "./licences.js";
import { withSettingsTable } from "./settings-table.js";

/** A document of which a part is made from the code, or a table of the code that is made from its source. */
export interface GeneratedDocument {
  /** Below the root of the project. */
  readonly name: string;
  readonly make: (current: string) => string;
}

export const GENERATED: readonly GeneratedDocument[] = [
  { name: "README.md", make: withSettingsTable },
  { name: "docs/licences.md", make: withLicences },
  { name: "src/generated/demo-webhooks.ts", make: demoWebhooks },
  { name: "src/core/words/unicode.ts", make: unicodeTable },
  { name: "verifiers/python/unicode-15.0.0.txt", make: unicodeText },
];

/** Where it lies, what it says now, and what it should say. */
export async function made({ name, make }: GeneratedDocument): Promise<Record<"path" | "current" | "wanted", string>> {
  const path = fileURLToPath(new URL(`../../../${name}`, import.meta.url));
  const current = await readFile(path, "utf8");
  const isFormatted = (await getFileInfo(path)).inferredParser !== null;
  const wanted = isFormatted
    ? await format(make(current), { ...(await resolveConfig(path)), filepath: path })
    : make(current);
  return { path, current, wanted };
}
