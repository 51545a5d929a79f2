/** How many pages are kept at most: those of the last few thousand rows that were in sight. */
export const MOST_PAGES = 40;

/** Which pages of a result are there or on their way: the ones that were needed last. */
export class NeededPages {
  /** The page that was needed last comes last. */
  readonly #pages: Set<number>;

  constructor(pages: readonly number[]) {
    this.#pages = new Set(pages);
  }

  /** Notes that the pages from one to another are needed, and forgets those that were needed longest ago. Returns those to fetch. */
  need(first: number, last: number): readonly number[] {
    const missing: number[] = [];
    for (let page = first; page <= last; page++) if (!this.#pages.delete(page)) missing.push(page);
    for (let page = first; page <= last; page++) this.#pages.add(page);
    for (const page of [...this.#pages].slice(0, -MOST_PAGES)) this.#pages.delete(page);
    return missing;
  }

  /** A page was not fetched: it is, when it is needed again. */
  forget(page: number): void {
    this.#pages.delete(page);
  }

  /** Those that are not forgotten. */
  kept<T>(pages: ReadonlyMap<number, T>): ReadonlyMap<number, T> {
    return new Map([...pages].filter(([page]) => this.#pages.has(page)));
  }
}
