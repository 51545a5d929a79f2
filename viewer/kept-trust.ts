import { isPlainObject } from "../src/core/json.js";

/** What this browser remembers of a log from visit to visit. */
export interface KeptTrust {
  /** The log's verifier key: the one of the first visit, or the one that the user gave. */
  readonly key: string;
  /** Whether the user gave the key; else the gateway told it at the first visit. */
  readonly isGiven: boolean;
  /** The newest tree that was verified. */
  readonly tree: { readonly treeSize: number; readonly hash: string } | undefined;
}

/** By the log's name, on this gateway's origin; the empty text: the default log. */
export function keptTrust(log: string): KeptTrust | undefined {
  try {
    return read(JSON.parse(localStorage.getItem(nameOf(log)) ?? "null"));
  } catch {
    return undefined;
  }
}

/** Undefined: nothing is remembered any more. */
export function keepTrust(log: string, trust: KeptTrust | undefined): void {
  if (trust === undefined) localStorage.removeItem(nameOf(log));
  else localStorage.setItem(nameOf(log), JSON.stringify(trust));
}

function nameOf(log: string): string {
  return `auditql:trust:${log || "default"}`;
}

function read(value: unknown): KeptTrust | undefined {
  if (!isPlainObject(value) || typeof value["key"] !== "string") return undefined;
  const { key, isGiven, tree } = value;
  if (!isPlainObject(tree)) return { key, isGiven: isGiven === true, tree: undefined };
  const { treeSize, hash } = tree;
  const isTree = typeof treeSize === "number" && typeof hash === "string";
  return { key, isGiven: isGiven === true, tree: isTree ? { treeSize, hash } : undefined };
}
