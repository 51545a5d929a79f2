/** The least first. */
export class Heap<T> {
  readonly #items: T[] = [];

  constructor(private readonly compare: (a: T, b: T) => number) {}

  get first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    let at = this.#items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#items[parent];
      if (above === undefined || this.compare(above, item) <= 0) break;
      this.#items[at] = above;
      at = parent;
    }
    this.#items[at] = item;
  }

  pop(): T | undefined {
    const [first] = this.#items;
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return first;
    this.#sink(last);
    return first;
  }

  #sink(item: T): void {
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const child = this.#lesser(left, left + 1);
      const below = this.#items[child];
      if (below === undefined || this.compare(item, below) <= 0) break;
      this.#items[at] = below;
      at = child;
    }
    this.#items[at] = item;
  }

  #lesser(a: number, b: number): number {
    const [first, second] = [this.#items[a], this.#items[b]];
    return first !== undefined && second !== undefined && this.compare(second, first) < 0 ? b : a;
  }
}
