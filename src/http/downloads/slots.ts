import { AuditError } from "../../audit/errors.js";

/** Room for so many of a kind at once. */
export class Slots {
  #taken = 0;

  constructor(
    private readonly count: number,
    private readonly what: string,
  ) {}

  /** Takes one, to be given back by calling the answer, once. Throws AuditError UNAVAILABLE where there is none. */
  take(): () => void {
    if (this.#taken >= this.count) {
      const message = `the gateway serves its ${this.count} ${this.what}: come back later`;
      throw new AuditError("UNAVAILABLE", message, { retryAfterMs: 5_000 });
    }
    this.#taken++;
    return () => {
      this.#taken--;
    };
  }
}
