const OTHER = "other";

/** What anybody would call an operation; what is longer is cut, in metrics and in logs. */
const MAX_CHARACTERS = 64;

export function shortName(name: string): string {
  return name.slice(0, MAX_CHARACTERS);
}

/** Lets the first so many names through, and answers `other` for the rest: what clients choose must not grow a metric. */
export class BoundedNames {
  readonly #known = new Set<string>();

  constructor(private readonly maxNames: number) {}

  label(long: string): string {
    const name = shortName(long);
    if (this.#known.has(name)) return name;
    if (this.#known.size >= this.maxNames) return OTHER;
    this.#known.add(name);
    return name;
  }
}
