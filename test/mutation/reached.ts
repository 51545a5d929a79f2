import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What a built file names of others: imports, also later ones, and the modules of threads. */
const NAMED = /(?:from|import|import\(|new URL\()\s*"(\.[^"]+\.js)"/g;

/** The files that a test file may execute, by their paths from the project's root: what it names, and what those name. */
export class ReachedFiles {
  readonly #named = new Map<string, readonly string[]>();

  constructor(private readonly root: string) {}

  from(file: string): ReadonlySet<string> {
    const reached = new Set([file]);
    for (const next of reached) for (const named of this.#namedIn(next)) reached.add(named);
    return reached;
  }

  #namedIn(file: string): readonly string[] {
    const known = this.#named.get(file);
    if (known !== undefined) return known;
    const path = join(this.root, file);
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    const named = [...text.matchAll(NAMED)].map(([, name = ""]) => join(dirname(file), name));
    this.#named.set(file, named);
    return named;
  }
}
