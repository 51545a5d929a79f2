import { isPlainObject } from "../src/core/json.js";
import type { TrustedLogKey } from "./embed-props.js";

/** What is remembered of a log from visit to visit. */
export interface KeptTrust {
  /** The log's verifier key: the one of the first visit, or the one that the user gave. */
  readonly key: string;
  /** Whether the user gave the key; else the gateway told it at the first visit. */
  readonly isGiven: boolean;
  /** The newest tree that was verified. */
  readonly tree: { readonly treeSize: number; readonly hash: string } | undefined;
}

/** What this browser remembers of a gateway's logs. */
export class TrustMemory {
  readonly #prefix: string;
  /** What the page that holds the viewer says; its key is the one that is trusted. */
  readonly given: TrustedLogKey | undefined;
  /** Of this page alone, where the browser keeps nothing for it. */
  readonly #unkept = new Map<string, string>();

  /** `prefix` begins the names in the browser's storage: one for each gateway. */
  constructor(prefix: string, given?: TrustedLogKey) {
    this.#prefix = prefix;
    this.given = given;
  }

  /** By the log's name; the empty text: the default log. */
  kept(log: string): KeptTrust | undefined {
    const kept = this.#read(log);
    if (this.given === undefined) return kept;
    const { key, root } = this.given;
    const isNewer = root !== undefined && (kept?.tree === undefined || kept.tree.treeSize < root.treeSize);
    return { key, isGiven: true, tree: isNewer ? root : kept?.tree };
  }

  /** Undefined: nothing is remembered any more. */
  keep(log: string, trust: KeptTrust | undefined): void {
    const name = this.#nameOf(log);
    this.#unkept.delete(name);
    try {
      if (trust === undefined) localStorage.removeItem(name);
      else localStorage.setItem(name, JSON.stringify(trust));
    } catch {
      // A frame in a sandbox has no storage.
      if (trust !== undefined) this.#unkept.set(name, JSON.stringify(trust));
    }
  }

  /** A table with a key from its page and one without share nothing: what one trusts is not for the other to use. */
  #nameOf(log: string): string {
    return [this.#prefix + (log || "default"), this.given?.key].filter((part) => part !== undefined).join(" ");
  }

  #read(log: string): KeptTrust | undefined {
    const name = this.#nameOf(log);
    try {
      return read(JSON.parse(this.#unkept.get(name) ?? localStorage.getItem(name) ?? "null"));
    } catch {
      return undefined;
    }
  }
}

function read(value: unknown): KeptTrust | undefined {
  if (!isPlainObject(value) || typeof value["key"] !== "string") return undefined;
  const { key, isGiven, tree } = value;
  if (!isPlainObject(tree)) return { key, isGiven: isGiven === true, tree: undefined };
  const { treeSize, hash } = tree;
  const isTree = typeof treeSize === "number" && typeof hash === "string";
  return { key, isGiven: isGiven === true, tree: isTree ? { treeSize, hash } : undefined };
}
