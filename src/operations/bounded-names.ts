const OTHER = "other";

/** The maximum length of an operation's name; longer ones are cut, in metrics and in logs. */
const MAX_CHARACTERS = 64;

export function shortName(name: string): string {
  return name.slice(0, MAX_CHARACTERS);
}

/** Keeps the first so many names and returns `other` for the rest: names that clients choose must not grow a metric. */
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
