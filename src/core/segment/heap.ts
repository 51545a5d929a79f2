/** A binary heap: the item that sorts before all others is at the top. */
export class Heap<T> {
  readonly #items: T[];

  /** Orders the items in place; `isBefore` must be a strict order. */
  constructor(
    items: T[],
    private readonly isBefore: (a: T, b: T) => boolean,
  ) {
    this.#items = items;
    for (let place = (items.length >> 1) - 1; place >= 0; place--) this.#sink(place);
  }

  get top(): T | undefined {
    return this.#items[0];
  }

  /** Removes and returns the top. */
  pop(): T | undefined {
    const { top } = this;
    const last = this.#items.pop();
    if (last !== undefined && this.#items.length > 0) this.replace(last);
    return top;
  }

  /** Replaces the top with an item, which may be the top itself, changed. */
  replace(item: T): void {
    this.#items[0] = item;
    this.#sink(0);
  }

  #sink(from: number): void {
    const items = this.#items;
    let place = from;
    let item = items[place];
    for (;;) {
      let least = 2 * place + 1;
      let child = items[least];
      const right = items[least + 1];
      if (child === undefined || item === undefined) return;
      if (right !== undefined && this.isBefore(right, child)) {
        least += 1;
        child = right;
      }
      if (!this.isBefore(child, item)) return;
      items[place] = child;
      items[least] = item;
      place = least;
      item = items[place];
    }
  }
}
