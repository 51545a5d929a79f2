import { readFileSync } from "node:fs";

/** A block of code in a document. */
export interface Example {
  /** As it is marked: `js`, `ts`, `json`. */
  readonly language: string;
  readonly text: string;
}

/** The code of docs/clients.md by its headings. */
export function clientExamples(): ReadonlyMap<string, readonly Example[]> {
  const sections = documentText("docs/clients.md").split(/^## /m).slice(1);
  return new Map(sections.map((section) => [section.split("\n", 1)[0] ?? "", examplesOf(section)]));
}

/** The function by which the README's front end calls the API, without the call below it. */
export function readmeRun(): string {
  const found = examplesOf(documentText("README.md")).find(({ text }) => text.startsWith("async function run<"));
  const [whole] = /^.*?\n}\n/s.exec(found?.text ?? "") ?? [];
  if (whole === undefined) throw new Error("README.md has no function run any more");
  return whole;
}

/** What an example says that it prints: the comment behind each `console.log`. */
export function promised({ text }: Example): readonly string[] {
  return Array.from(text.matchAll(/console\.log\(.*\/\/ (.*)$/gm), ([, line = ""]) => line);
}

function documentText(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
}

function examplesOf(text: string): readonly Example[] {
  const blocks = text.matchAll(/^```(\w+)\n(.*?)^```$/gms);
  return Array.from(blocks, ([, language = "", code = ""]) => ({ language, text: code }));
}
