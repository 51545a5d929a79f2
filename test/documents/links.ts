import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The links of a document below `root` that lead to no file or heading there, as the document writes them. */
export function brokenLinks(root: string, document: string): readonly string[] {
  const links = readFileSync(join(root, document), "utf8").matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g);
  const fileOf = (path: string) => (path === "" ? join(root, document) : join(root, dirname(document), path));
  return [...links].filter(([, path = "", anchor]) => !leads(fileOf(path), anchor)).map(([link]) => link);
}

function leads(file: string, anchor: string | undefined): boolean {
  if (!existsSync(file)) return false;
  return anchor === undefined || anchorsOf(readFileSync(file, "utf8")).includes(anchor);
}

function anchorsOf(markdown: string): readonly string[] {
  const headings = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading.toLowerCase());
  return headings.map((heading) => heading.replace(/[^\p{L}\p{N} -]/gu, "").replaceAll(" ", "-"));
}
