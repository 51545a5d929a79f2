import { CODE_POINTS, classFromSource, foldingFromSource, UNICODE_VERSION } from "./unicode-source.js";

/** By the digit of `classFromSource`. The first is every other code point, so it is left out. */
const CLASSES = ["separator", "letter", "alone", "ignorable", "unassigned"];

/**
 * The text of verifiers/python/unicode-15.0.0.txt, in the style of the Unicode Character Database, so that it can be
 * compared with that: nothing of it is taken from the table of our own code.
 */
export function unicodeText(): string {
  return `# Unicode ${UNICODE_VERSION} as the words of docs/format.md, section 8.1, need it. Written by \`npm run docs\`: do not edit.
#
# <first>..<last>; <class>: letter is General_Category L, M or N; alone is one whose Script has no blanks between words;
# ignorable is Default_Ignorable_Code_Point; unassigned is General_Category Cn. Every other code point separates.
${classRanges().join("\n")}
#
# <code point>; fold; <full case folding: CaseFolding.txt, statuses C and F>
${foldings().join("\n")}
`;
}

function classRanges(): readonly string[] {
  const lines: string[] = [];
  for (let start = 0, at = 1; at <= CODE_POINTS; at++) {
    if (at < CODE_POINTS && classFromSource(at) === classFromSource(start)) continue;
    const kind = classFromSource(start);
    if (kind > 0) lines.push(`${hex(start)}..${hex(at - 1)}; ${CLASSES[kind] ?? ""}`);
    start = at;
  }
  return lines;
}

function foldings(): readonly string[] {
  return Array.from({ length: CODE_POINTS }, (_, from) => from).flatMap((from) => {
    const to = foldingFromSource(from);
    return to === undefined ? [] : [`${hex(from)}; fold; ${to.map(hex).join(" ")}`];
  });
}

function hex(codePoint: number): string {
  return codePoint.toString(16).toUpperCase().padStart(4, "0");
}
