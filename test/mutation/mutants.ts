import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EQUIVALENT } from "./equivalent.js";
import { mutantsOf, mutated } from "./operators.js";
import { withSwitches } from "./switches.js";

export interface Numbered {
  readonly number: number;
  readonly file: string;
  readonly line: number;
  /** The line before and after. */
  readonly before: string;
  readonly after: string;
}

/** As many mutants in `every` are taken as there are parts, each from 0. */
export interface Share {
  readonly every: number;
  readonly parts: readonly number[];
}

export interface Population {
  /** The texts of the files, each with the switches of its mutants that are tried. */
  readonly texts: ReadonlyMap<string, string>;
  /** Those that are tried. */
  readonly sample: readonly Numbered[];
}

/** Files below a folder of the project, by their path from its root. */
export function filesBelow(root: string, folder: string, ending: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();
}

export function populationOf(root: string, folders: readonly string[], { every, parts }: Share): Population {
  const texts = new Map<string, string>();
  const sample: Numbered[] = [];
  let count = 0;
  for (const file of folders.flatMap((folder) => filesBelow(root, join("build/src", folder), ".js"))) {
    const text = readFileSync(join(root, file), "utf8");
    const mutants = mutantsOf(text);
    const tried = new Set<number>();
    for (const [place, mutant] of mutants.entries()) {
      const { start, end, line, replacement } = mutant;
      const lineIn = (whole: string): string => (whole.split("\n")[line - 1] ?? "").trim();
      const around = text.slice(Math.max(0, start - 40), end + 40);
      if (!parts.includes(share(`${file} ${around} ${replacement}`, every))) continue;
      tried.add(count + place);
      sample.push({ number: count + place, file, line, before: lineIn(text), after: lineIn(mutated(text, mutant)) });
    }
    texts.set(
      file,
      withSwitches(text, count, (number) => tried.has(number)),
    );
    count += mutants.length;
  }
  return { texts, sample };
}

export function isEquivalent({ file, before, after }: Numbered): boolean {
  return EQUIVALENT.some((known) => known.file === file && known.line === before && known.mutant === after);
}

/** By what stands around the place, so that a change elsewhere in the file does not choose other mutants. */
function share(place: string, every: number): number {
  return createHash("sha256").update(place).digest().readUInt32BE() % every;
}
