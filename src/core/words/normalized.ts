/** Marks in a row from which on they are put in order here. Stream-safe text has at most 30 (UAX #15, section 13). */
const LONG_RUN = 32;

/** What decomposes to marks alone: the marks, and the sounds of halfwidth kana. */
const MARKS = /[\p{M}\uff9e\uff9f]{2,}/gu;

/** Marks of combining classes 1 and 240, the lowest and the highest. */
const LOWEST = "\u0334";
const HIGHEST = "\u0345";

type Form = "NFD" | "NFKD";

/**
 * `text.normalize(form)` in time by the length of the result. JavaScript's engines put marks in order by insertion, which
 * takes the square of how many follow each other: minutes for the marks that fill a megabyte.
 */
export function normalized(text: string, form: Form): string {
  return text.replace(MARKS, (marks) => (marks.length < LONG_RUN ? marks : inOrder(marks, form))).normalize(form);
}

/** Decomposed, and in canonical order: by combining class, from one starter to the next (Unicode, section 3.11, D109). */
function inOrder(marks: string, form: Form): string {
  const distinct = new Map(Array.from(new Set(marks), (mark) => [mark, Array.from(mark.normalize(form))]));
  const ranks = ranksOf(new Set([...distinct.values()].flat()));
  let result = "";
  let byRank: string[] = [];
  const add = (mark: string): void => {
    const rank = ranks.get(mark);
    if (rank !== undefined) byRank[rank] = (byRank[rank] ?? "") + mark;
    else {
      result += byRank.join("") + mark;
      byRank = [];
    }
  };
  for (const mark of marks) distinct.get(mark)?.forEach(add);
  return result + byRank.join("");
}

/** The places of the marks' combining classes among each other; none for a starter, which nothing passes. */
function ranksOf(marks: ReadonlySet<string>): ReadonlyMap<string, number> {
  const ordered = [...marks]
    .filter((mark) => passes(mark, LOWEST) || passes(HIGHEST, mark))
    .sort((a, b) => Number(passes(a, b)) - Number(passes(b, a)));
  let rank = 0;
  return new Map(
    ordered.map((mark, place) => {
      if (passes(mark, ordered[place - 1] ?? mark)) rank += 1;
      return [mark, rank];
    }),
  );
}

/** Whether `mark` belongs after `other` in canonical order although it precedes it: its class is higher. */
function passes(mark: string, other: string): boolean {
  return (mark + other).normalize("NFD") !== mark + other;
}
