import { AuditError } from "../audit/errors.js";

export interface PlacesOptions {
  /** What takes a place, in the plural: `streams`. */
  readonly what: string;
  readonly most: number;
  /** How many of them one holder may have. */
  readonly share: number;
  /** When a client that finds none free should return. */
  readonly retryAfterMs: number;
}

/** How many of `most` places one caller gets: a tenth, so that nine others find some. */
export function tenthOf(most: number): number {
  return Math.max(1, Math.floor(most / 10));
}

/** A bounded number of places, of which no holder may have more than its share. */
export class Places {
  readonly #taken = new Map<string, number>();
  #count = 0;

  constructor(private readonly options: PlacesOptions) {}

  get count(): number {
    return this.#count;
  }

  /** Takes one, and returns the function that gives it back; more calls of it change nothing. Throws UNAVAILABLE. */
  take(holder: string): () => void {
    const { what, most, share, retryAfterMs } = this.options;
    const taken = this.#taken.get(holder) ?? 0;
    if (this.#count >= most)
      throw unavailable(`the gateway has its ${most} ${what} open: try again later`, retryAfterMs);
    if (taken >= share)
      throw unavailable(`one caller may have ${share} ${what} open here: end one, or try again later`, retryAfterMs);
    this.#taken.set(holder, taken + 1);
    this.#count++;
    let isFree = false;
    return () => {
      if (!isFree) this.#free(holder);
      isFree = true;
    };
  }

  #free(holder: string): void {
    const left = (this.#taken.get(holder) ?? 0) - 1;
    if (left > 0) this.#taken.set(holder, left);
    else this.#taken.delete(holder);
    this.#count--;
  }
}

function unavailable(message: string, retryAfterMs: number): AuditError {
  return new AuditError("UNAVAILABLE", message, { retryAfterMs });
}
