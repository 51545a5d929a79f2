import { expect, test } from "@jest/globals";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const inDocs = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
const documents = ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...inDocs.map((name) => `docs/${name}`)];

/** Paths of ours as a document writes them: in backquotes, from the top of the project. */
const PATH = /`((?:src|test|bench)\/[\w./-]+)`/g;

test.each(documents)("%s names no file that is not there", (document) => {
  const named = [...readFileSync(join(root, document), "utf8").matchAll(PATH)].map(([, path = ""]) => path);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test("documents do name files", () => {
  expect(readFileSync(join(root, "docs/threat-model.md"), "utf8").match(PATH)?.length).toBeGreaterThan(10);
});
