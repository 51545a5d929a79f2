import { randomBytes } from "node:crypto";

/** Base32 in ASCII order, so that ids sort by the time that they begin with. */
const ALPHABET = "234567abcdefghijklmnopqrstuvwxyz";
const BITS = 5;
const TIME_CHARACTERS = 9;
const RANDOM_CHARACTERS = 23;
const REQUEST_ID = /^prq_[a-z2-7]{32}$/;
/** SDKs try a request four times at most. */
const MAX_RETRIED = 16;

/** A new request id, `prq_` and 32 characters (protocol section 1.1); one made later sorts after it. */
export function newRequestId(nowMs: number): string {
  const time = Array.from({ length: TIME_CHARACTERS }, (_, i) =>
    letter(Math.floor(nowMs / 2 ** (BITS * (TIME_CHARACTERS - 1 - i)))),
  );
  return `prq_${time.join("")}${Array.from(randomBytes(RANDOM_CHARACTERS), letter).join("")}`;
}

/**
 * The id of a request's first try. A try after a 5xx names the failed ones in `X-Pangea-Retried-Request-Ids`, in any
 * order; the oldest id is that of the first. Ids that no gateway made, such as a proxy's, are ignored.
 */
export function firstTry(requestId: string, retried: string | readonly string[] | undefined): string {
  const named = [retried ?? []].flat().join(",").split(",", MAX_RETRIED);
  const [first = requestId] = named
    .map((id) => id.trim())
    .filter((id) => REQUEST_ID.test(id))
    .sort();
  return first;
}

function letter(number: number): string {
  return ALPHABET.charAt(number % ALPHABET.length);
}
