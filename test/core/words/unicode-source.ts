import { publishedModule } from "../../published.js";

/** What the words' table is made from: Unicode 15.0.0 as the pinned package has it, one plain set per property. */
export const UNICODE_VERSION = "15.0.0";

export const CODE_POINTS = 0x110000;

/** The prolonged sound mark of kana, which both kana scripts share. */
const PROLONGED_SOUND_MARK = 0x30fc;

const UNASSIGNED = await codePointsOf("General_Category/Unassigned");
const IGNORABLE = await codePointsOf("Binary_Property/Default_Ignorable_Code_Point");
const WORD = await codePointsOf("General_Category/Letter", "General_Category/Mark", "General_Category/Number");
const WITHOUT_BLANKS = ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"];
const ALONE = (await codePointsOf(...WITHOUT_BLANKS.map((script) => `Script/${script}`))).add(PROLONGED_SOUND_MARK);
const COMMON_FOLDING = (await tableOf("Case_Folding/C")) as ReadonlyMap<number, number>;
const FULL_FOLDING = (await tableOf("Case_Folding/F")) as ReadonlyMap<number, readonly number[]>;

/** The class of a code point, as the digit that the table writes for it. The first line that holds decides. */
export function classFromSource(codePoint: number): number {
  if (UNASSIGNED.has(codePoint)) return 4;
  if (IGNORABLE.has(codePoint)) return 3;
  if (!WORD.has(codePoint)) return 0;
  return ALONE.has(codePoint) ? 2 : 1;
}

/** The full case folding of a code point, by statuses C and F; undefined where it folds to itself. */
export function foldingFromSource(codePoint: number): readonly number[] | undefined {
  const common = COMMON_FOLDING.get(codePoint);
  return common === undefined ? FULL_FOLDING.get(codePoint) : [common];
}

/** The text of src/core/words/unicode.ts. */
export function unicodeTable(): string {
  return `// Written by \`npm run docs\` from Unicode ${UNICODE_VERSION}: do not edit.

/** The version of Unicode that words are defined over, on every JavaScript engine. */
export const UNICODE_VERSION = "${UNICODE_VERSION}";

/** Runs of one class from U+0000 to U+10FFFF: the digit of the class, then the run's length in base 36. */
export const CLASS_RUNS =
${literal(classRuns())};

/**
 * Full case folding where it is one code point: the first code point that folds less the one before, how many more
 * follow, the distance between two (1 or 2), the folding less the code point, in base 36.
 */
export const FOLDING_RUNS =
${literal(foldingRuns())};

/** Full case folding where it is several code points: the code point and its folding, in base 36. */
export const FOLDING_TEXTS =
${literal(foldingTexts())};
`;
}

function classRuns(): string {
  const runs: string[] = [];
  for (let start = 0, at = 1; at <= CODE_POINTS; at++) {
    if (at < CODE_POINTS && classFromSource(at) === classFromSource(start)) continue;
    runs.push(`${classFromSource(start)}${(at - start).toString(36)}`);
    start = at;
  }
  return runs.join(" ");
}

function foldingRuns(): string {
  const single = allCodePoints().flatMap((from): (readonly [number, number])[] => {
    const [to, ...more] = foldingFromSource(from) ?? [];
    return to === undefined || more.length > 0 ? [] : [[from, to - from]];
  });
  const runs: { start: number; more: number; step: number; delta: number }[] = [];
  for (const [from, delta] of single) {
    const run = runs.at(-1);
    const step = run === undefined ? 0 : from - (run.start + run.more * run.step);
    const continues = run?.delta === delta && (run.more === 0 ? step <= 2 : step === run.step);
    if (run !== undefined && continues) Object.assign(run, { more: run.more + 1, step });
    else runs.push({ start: from, more: 0, step: 1, delta });
  }
  let before = 0;
  const written = runs.map(({ start, more, step, delta }) => {
    const gap = start - before;
    before = start;
    return [gap, more, step, delta].map((value) => value.toString(36)).join(",");
  });
  return written.join(" ");
}

function foldingTexts(): string {
  const several = allCodePoints().flatMap((from) => {
    const to = foldingFromSource(from);
    return to === undefined || to.length === 1 ? [] : [[from, ...to].map((value) => value.toString(36)).join(",")];
  });
  return several.join(" ");
}

function allCodePoints(): readonly number[] {
  return Array.from({ length: CODE_POINTS }, (_, codePoint) => codePoint);
}

/** A long text as lines of a source file. */
function literal(text: string): string {
  const lines = text.match(/.{1,110}/g) ?? [];
  return lines.map((line) => `  ${JSON.stringify(line)}`).join(" +\n");
}

async function codePointsOf(...properties: readonly string[]): Promise<Set<number>> {
  const tables = await Promise.all(properties.map(tableOf));
  return new Set((tables as readonly (readonly number[])[]).flat());
}

/** What the package says of the code points of a property. */
async function tableOf(property: string): Promise<unknown> {
  const { default: table } = (await publishedModule(
    `@unicode/unicode-${UNICODE_VERSION}/${property}/code-points.mjs`,
  )) as {
    readonly default: unknown;
  };
  return table;
}
