import type { Entry } from "../audit/service.js";
import { digestOf, utf8 } from "../core/bytes.js";
import type { LogFormat } from "../core/format.js";
import { signatureVerdict } from "../core/signature.js";
import { invalid, VALID, type Verdict } from "../core/verdict.js";
import { nodeEd25519 } from "../keys/node-crypto.js";

const ed25519 = nodeEd25519();

/**
 * An entry to be verified, and the tree to verify it in, which is determined for the checks that need one. The other
 * checks are made when they are first read: compiled operations read a property for each field that is selected of it.
 */
export class EntryInTree {
  #hash: Verdict | undefined;
  #signature: Verdict | undefined;

  constructor(
    readonly entry: Entry,
    private readonly format: LogFormat,
    readonly treeSize: () => Promise<number>,
  ) {}

  get hash(): Verdict {
    return (this.#hash ??= hashVerdict(this.format, this.entry));
  }

  get signature(): Verdict {
    return (this.#signature ??= signatureVerdict(this.entry.envelope, this.format, ed25519));
  }
}

/** An entry under the root of the page or receipt that shows it, or in the only tree that it can be proven in. */
export function shownIn(entry: Entry, format: LogFormat, treeSize: number): EntryInTree {
  const size = Promise.resolve(entry.provenIn ?? treeSize);
  return new EntryInTree(entry, format, () => size);
}

function hashVerdict(format: LogFormat, { canonical, hash }: Entry): Verdict {
  return digestOf(format.leafHash(utf8(canonical))) === hash ? VALID : invalid("HASH_MISMATCH");
}
