import { answerAttacks, documentAttacks, rootAttacks } from "./completeness-answer-attacks.js";
import { filterCases, questionCases, tailCases, type CompletenessCase } from "./completeness-cases.js";
import { levelCases } from "./completeness-levels.js";
import { segmentAttacks, treeAttacks } from "./completeness-proof-attacks.js";
import { segmentCases } from "./completeness-segments.js";

/** One file of vectors of completeness. */
export interface CompletenessFile {
  readonly about: string;
  readonly source: string;
  readonly cases: readonly CompletenessCase[];
}

const SOURCE = "docs/format.md, section 8.5";

/** Every file by its path, always the same. */
export function completenessFiles(): ReadonlyMap<string, CompletenessFile> {
  return new Map(
    [
      ["filters.json", { about: "Every kind of filter, honestly answered.", source: SOURCE, cases: filterCases() }],
      [
        "questions.json",
        { about: "Pages, counts and windows over two levels of segments.", source: SOURCE, cases: questionCases() },
      ],
      ["tails.json", { about: "Entries that are in no segment yet.", source: SOURCE, cases: tailCases() }],
      [
        "attacks.json",
        {
          about: "A server that leaves something out, or sends another proof.",
          source: SOURCE,
          cases: [...answerAttacks(), ...documentAttacks(), ...treeAttacks(), ...segmentAttacks(), ...rootAttacks()],
        },
      ],
      [
        "levels.json",
        { about: "Segments of the levels that logs of millions of entries have.", source: SOURCE, cases: levelCases() },
      ],
      [
        "segments.json",
        { about: "A log that signed a segment that no writer writes.", source: SOURCE, cases: segmentCases() },
      ],
    ].map(([path, file]) => [`completeness/${path as string}`, file as CompletenessFile]),
  );
}
