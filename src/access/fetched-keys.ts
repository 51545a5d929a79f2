import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";

type KeySet = ReturnType<typeof createLocalJWKSet>;

const FETCH_TIMEOUT_MS = 5_000;
/** Far above any issuer's set; more is not read. */
const MAX_BYTES = 1_024 * 1_024;
/** Older keys are fetched again before they are used. */
const MAX_AGE_MS = 600_000;
/** How long keys are used while the issuer cannot be reached: a key that it withdrew meanwhile lives as long. */
const MAX_AGE_AWAY_MS = 24 * 3_600_000;
/** The minimum time between fetches for an unknown key id: forged ids must not make the gateway flood the issuer. */
const REFETCH_PAUSE_MS = 30_000;
/** After a failed fetch no other is tried for a while, twice as long after each: nor must any token. */
const FIRST_PAUSE_MS = 5_000;
const LAST_PAUSE_MS = 60_000;

/** An issuer's keys at a URL, fetched when a token needs them, one fetch at a time. */
export class FetchedKeys {
  #keys: KeySet | undefined;
  #fetchedAtMs = -Infinity;
  #fetching: Promise<KeySet> | undefined;
  #failure: { readonly error: unknown; readonly count: number; readonly untilMs: number } | undefined;

  /** `warn` is called after each failed fetch. */
  constructor(
    private readonly url: URL,
    private readonly warn: (message: string) => void,
  ) {}

  /** The key of a token. Rejects with a JWKSNoMatchingKey when the issuer has none, and with another error when it cannot tell. */
  async find(...token: Parameters<JWTVerifyGetKey>): ReturnType<KeySet> {
    const keys = await this.#current();
    try {
      return await keys(...token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.#ageMs() < REFETCH_PAUSE_MS) throw error;
      return (await this.#fetched())(...token);
    }
  }

  async #current(): Promise<KeySet> {
    if (this.#keys !== undefined && this.#ageMs() < MAX_AGE_MS) return this.#keys;
    try {
      return await this.#fetched();
    } catch (error) {
      if (this.#keys !== undefined && this.#ageMs() < MAX_AGE_AWAY_MS) return this.#keys;
      throw error;
    }
  }

  #ageMs(): number {
    return Date.now() - this.#fetchedAtMs;
  }

  #fetched(): Promise<KeySet> {
    if (this.#fetching !== undefined) return this.#fetching;
    if (this.#failure !== undefined && Date.now() < this.#failure.untilMs) throw this.#failure.error;
    this.#fetching = this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<KeySet> {
    try {
      const keys = createLocalJWKSet(await fetchedSet(this.url));
      [this.#keys, this.#fetchedAtMs, this.#failure] = [keys, Date.now(), undefined];
      return keys;
    } catch (error) {
      const count = (this.#failure?.count ?? 0) + 1;
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (count - 1), LAST_PAUSE_MS);
      this.#failure = { error, count, untilMs: Date.now() + pauseMs };
      // fetch says "fetch failed", and why in the cause
      const reason = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
      const left =
        this.#keys === undefined ? "there are no older ones" : `the older ones count for ${this.#hoursLeft()} h`;
      this.warn(`the issuer's keys at ${this.url.origin} could not be fetched, ${left}: ${String(reason)}`);
      throw error;
    }
  }

  #hoursLeft(): string {
    return (Math.max(0, MAX_AGE_AWAY_MS - this.#ageMs()) / 3_600_000).toFixed(1);
  }
}

/** Rejects on anything but a 200 with a JSON text of a bounded size: a redirect could lead anywhere. */
async function fetchedSet(url: URL): Promise<JSONWebKeySet> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
  const headers = { accept: "application/json, application/jwk-set+json" };
  const response = await fetch(url, { headers, redirect: "manual", signal });
  if (response.status !== 200) throw new Error(`expected status 200, got ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> | Iterable<Uint8Array> = response.body ?? [];
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`expected at most ${MAX_BYTES} bytes, got more`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString()) as JSONWebKeySet;
}
