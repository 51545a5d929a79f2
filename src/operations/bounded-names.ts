const OTHER = "other";

/** Lets the first so many names through, and answers `other` for the rest: what clients choose must not grow a metric. */
export class BoundedNames {
  readonly #known = new Set<string>();

  constructor(private readonly maxNames: number) {}

  label(name: string): string {
    if (this.#known.has(name)) return name;
    if (this.#known.size >= this.maxNames) return OTHER;
    this.#known.add(name);
    return name;
  }
}
