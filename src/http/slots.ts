import { HttpError } from "./answer.js";

/** Room for so many of a kind at once. */
export class Slots {
  #taken = 0;

  constructor(
    private readonly count: number,
    private readonly what: string,
  ) {}

  get taken(): number {
    return this.#taken;
  }

  /** Takes one, to be given back by calling the answer, once. Throws HttpError 503 where there is none. */
  take(): () => void {
    if (this.#taken >= this.count) {
      throw new HttpError(503, `the gateway serves its ${this.count} ${this.what}: come back later`, {
        "retry-after": "5",
      });
    }
    this.#taken++;
    return () => {
      this.#taken--;
    };
  }
}
