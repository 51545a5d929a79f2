import { createHmac, timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Alarm } from "../../audit/alarm.js";
import type { CachedRoot, RootCache } from "../../audit/cache.js";
import { AuditError } from "../../audit/errors.js";
import type { Root } from "../../audit/service.js";
import { digestBytes, digestOf, parseDigest, type Digest } from "../../core/bytes.js";
import type { LogFormat } from "../../core/format.js";
import { consistencyTextVerdict, rootsOfText } from "../../core/proof-text.js";
import { isPlainObject } from "../../core/json.js";
import { isTreeSize } from "../../core/tree.js";
import { invalid, unknown, VALID, type Verdict } from "../../core/verdict.js";
import type { LogKey } from "../../keys/log-key.js";

/** A root as the service gave it, section 4.6; nothing in it is checked but its shape. */
export interface ServedRoot {
  readonly treeSize: number;
  readonly hash: Digest;
  readonly publishedAt: string;
  /** Proves the tree of treeSize - 1 to be its prefix. */
  readonly proof: readonly string[] | undefined;
}

/** Undefined for what is not a root. */
export function readServedRoot(value: unknown): ServedRoot | undefined {
  if (!isPlainObject(value)) return undefined;
  const { size, root_hash, published_at, consistency_proof } = value;
  const hash = typeof root_hash === "string" ? parseDigest(root_hash) : undefined;
  if (typeof size !== "number" || !isTreeSize(size) || size === 0 || hash === undefined) return undefined;
  const lines: readonly unknown[] = Array.isArray(consistency_proof) ? consistency_proof : [];
  const proof = lines.filter((line) => typeof line === "string");
  return {
    ...{ treeSize: size, hash, publishedAt: typeof published_at === "string" ? published_at : "" },
    proof: proof.length === 0 || proof.length < lines.length ? undefined : proof,
  };
}

/** A root, and the root of one leaf less that it was proven to extend: its hash, or why there is none. */
interface KnownRoot {
  readonly root: Root;
  readonly before: Digest | Verdict;
}

export interface PangeaRootsOptions {
  readonly log: string;
  readonly format: LogFormat;
  readonly key: LogKey;
  readonly cache: RootCache;
  /** Authenticates what the checkpoint does not cover. */
  readonly secret: Uint8Array;
  /** Asks the service: /v1/root. */
  readonly fetch: (treeSize: number | undefined) => Promise<ServedRoot>;
  readonly alarm: Alarm;
}

const MAX_KEPT_ROOTS = 10_000;

/**
 * The published roots of one log of the service. Each that is seen is remembered, here and in the cache that gateways
 * share, under this gateway's signature; a root that contradicts a remembered one is ROOT_CONFLICT, and the alarm. So a
 * root that is remembered is never asked for again.
 */
export class PangeaRoots {
  readonly #known = new LRUCache<number, Promise<KnownRoot>>({ max: MAX_KEPT_ROOTS });
  #compared: Promise<void> | undefined;

  constructor(private readonly options: PangeaRootsOptions) {}

  /** The newest published root. Rejects with NOT_FOUND before the first publication. */
  async newest(): Promise<Root> {
    const root = await this.keep(await this.options.fetch(undefined));
    this.#compared ??= this.#compare(root).catch((error: unknown) => {
      this.#compared = undefined;
      throw error;
    });
    await this.#compared;
    await this.options.cache.putNewest(await this.#sealed(root.treeSize));
    return root;
  }

  /** The published root of a size of at least 1. Rejects with NOT_FOUND for a size that was not published. */
  async at(treeSize: number): Promise<Root> {
    return (await this.#knownAt(treeSize)).root;
  }

  /** Remembers a root that came with another answer. Rejects with ROOT_CONFLICT. */
  async keep(served: ServedRoot): Promise<Root> {
    const known = this.#known.get(served.treeSize);
    if (known === undefined) {
      const learned = this.#learn(served);
      this.#remember(served.treeSize, learned);
      return (await learned).root;
    }
    const { root } = await known;
    this.#requireSame(root, served.hash);
    return root;
  }

  /** Whether the root of a size extends that of one leaf less. VALID for the first: there was nothing before it. */
  async step(treeSize: number): Promise<Verdict> {
    if (treeSize === 0) return unknown("EMPTY_TREE");
    if (treeSize === 1) return VALID;
    const [{ before }, { root }] = await Promise.all([this.#knownAt(treeSize), this.#knownAt(treeSize - 1)]);
    if (typeof before !== "string") return before;
    return before === root.hash ? VALID : invalid("OLD_ROOT_MISMATCH");
  }

  #knownAt(treeSize: number): Promise<KnownRoot> {
    const known = this.#known.get(treeSize);
    if (known !== undefined) return known;
    const looking = this.#lookUp(treeSize);
    this.#remember(treeSize, looking);
    return looking;
  }

  /** A failure is not remembered. */
  #remember(treeSize: number, looking: Promise<KnownRoot>): void {
    this.#known.set(treeSize, looking);
    looking.catch(() => {
      if (this.#known.get(treeSize) === looking) this.#known.delete(treeSize);
    });
  }

  async #lookUp(treeSize: number): Promise<KnownRoot> {
    const { cache, log, fetch } = this.options;
    const cached = await cache.get(log, treeSize);
    const known = cached && this.#opened(cached);
    if (known?.root.treeSize === treeSize) return known;
    const served = await fetch(treeSize);
    if (served.treeSize !== treeSize) throw strange(`a root of size ${served.treeSize} in place of ${treeSize}`);
    return this.#learn(served);
  }

  /** Checks a served root against what all gateways remember, and adds it. */
  async #learn(served: ServedRoot): Promise<KnownRoot> {
    const { log, key, cache } = this.options;
    const { treeSize, hash, publishedAt } = served;
    const root: Root = { log, treeSize, hash, publishedAt, checkpoint: key.sign(treeSize, digestBytes(hash)) };
    const known = { root, before: this.#before(served) };
    const earlier = await cache.put(this.#sealedOf(known));
    const remembered = earlier && this.#opened(earlier);
    if (remembered?.root.treeSize === treeSize) this.#requireSame(remembered.root, hash);
    return known;
  }

  /** The hash of the root before it as its proof rebuilds it, if the proof is one. */
  #before({ treeSize, hash, proof }: ServedRoot): Digest | Verdict {
    const { format } = this.options;
    if (proof === undefined) return unknown("NO_PROOF");
    const fromHash = rootsOfText(format, proof)?.from;
    if (fromHash === undefined) return invalid("MALFORMED_PROOF");
    const sizes = { fromSize: treeSize - 1, toSize: treeSize };
    const verdict = consistencyTextVerdict(format, { ...sizes, fromHash, toHash: digestBytes(hash), text: proof });
    return verdict.kind === "VALID" ? digestOf(fromHash) : verdict;
  }

  /** A log that has lost what this gateway has seen of it is in conflict too. */
  async #compare(newest: Root): Promise<void> {
    const remembered = await this.options.cache.remembered(this.options.log);
    const root = remembered && this.#opened(remembered)?.root;
    if (root === undefined) return;
    if (root.treeSize > newest.treeSize)
      throw this.#conflict(`its newest tree has ${newest.treeSize} leaves, not ${root.treeSize}`);
    this.#requireSame(root, (await this.options.fetch(root.treeSize)).hash);
  }

  #requireSame(root: Root, hash: Digest): void {
    if (root.hash === hash) return;
    throw this.#conflict(`its tree of ${root.treeSize} leaves had the root ${root.hash} and now has ${hash}`);
  }

  #conflict(what: string): AuditError {
    const message = `The audit service contradicts what it said of the log ${this.options.log} before: ${what}.`;
    this.options.alarm(message, "ROOT_CONFLICT");
    return new AuditError("ROOT_CONFLICT", message);
  }

  #opened({ checkpoint, publishedAt, seal }: CachedRoot): KnownRoot | undefined {
    const { key, log } = this.options;
    const opened = key.open(checkpoint);
    if (opened.kind === "rejected") return undefined;
    const [before = ""] = seal.split(".");
    const root = { log, treeSize: opened.treeSize, hash: digestOf(opened.rootHash), checkpoint, publishedAt };
    if (!sameText(seal, this.#seal(root, before))) return undefined;
    return { root, before: parseDigest(before) ?? unknown("NO_PROOF") };
  }

  async #sealed(treeSize: number): Promise<CachedRoot> {
    return this.#sealedOf(await this.#knownAt(treeSize));
  }

  #sealedOf({ root, before }: KnownRoot): CachedRoot {
    const { log, treeSize, checkpoint, publishedAt } = root;
    const seal = this.#seal(root, typeof before === "string" ? before : "");
    return { log, treeSize, checkpoint, publishedAt, seal };
  }

  #seal({ checkpoint, publishedAt }: Root, before: string): string {
    const hmac = createHmac("sha256", this.options.secret);
    return `${before}.${hmac.update(`pangea root\n${before}\n${publishedAt}\n${checkpoint}`).digest("base64url")}`;
  }
}

function sameText(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** The error for an answer that the protocol does not know. */
export function strange(what: string): AuditError {
  return new AuditError("UNAVAILABLE", `The audit service responded with ${what}, which the protocol does not know.`);
}
