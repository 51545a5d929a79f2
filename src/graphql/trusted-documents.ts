import { createHash } from "node:crypto";
import { AuditError, badInput } from "../audit/errors.js";
import type { FieldProblem } from "../core/event.js";
import { isPlainObject } from "../core/json.js";

/** What a GraphQL request says about its document, unchecked. */
export type DocumentParameters = Readonly<Record<string, unknown>>;

/** The documents of a manifest: a gateway that has one executes no others. */
export class TrustedDocuments {
  private readonly known: ReadonlySet<string>;

  private constructor(private readonly textsByHash: ReadonlyMap<string, string>) {
    this.known = new Set(textsByHash.values());
  }

  /** Reads `{"<SHA-256 of the text, 64 lower-case hex digits>": "<text>", …}`. Throws BAD_USER_INPUT naming every bad member. */
  static parse(manifest: unknown): TrustedDocuments {
    if (!isPlainObject(manifest))
      throw badInput([
        problem("the manifest of trusted documents", "a JSON object of texts by their hash", typeof manifest),
      ]);
    const texts = Object.entries(manifest);
    const problems = texts.flatMap(([hash, text]) => {
      const path = `trusted document ${hash}`;
      if (typeof text !== "string") return [problem(path, "the text of a GraphQL document", typeof text)];
      const right = sha256(text);
      return hash === right ? [] : [problem(path, `the text's SHA-256 as its name, ${right}`, hash)];
    });
    if (problems.length > 0) throw badInput(problems);
    return new TrustedDocuments(new Map(texts.map(([hash, text]) => [hash, String(text)])));
  }

  get texts(): Iterable<string> {
    return this.known;
  }

  /**
   * The text to execute. A document sent in full must be in the manifest byte for byte; otherwise `documentId`, or the
   * hash of a persisted query, names it. Throws UNTRUSTED_DOCUMENT.
   */
  text({ query, documentId, extensions }: DocumentParameters): string {
    if (typeof query === "string" && query !== "") return this.require(query);
    const id = documentId ?? persistedHash(extensions);
    const hash = typeof id === "string" ? id.replace(/^sha256:/, "") : "";
    return this.require(this.textsByHash.get(hash));
  }

  private require(text: string | undefined): string {
    if (text !== undefined && this.known.has(text)) return text;
    throw new AuditError(
      "UNTRUSTED_DOCUMENT",
      "This gateway executes only the documents of its manifest: send the documentId of one, or its exact text.",
    );
  }
}

function persistedHash(extensions: unknown): unknown {
  const persisted = isPlainObject(extensions) ? extensions["persistedQuery"] : undefined;
  return isPlainObject(persisted) ? persisted["sha256Hash"] : undefined;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function problem(path: string, expected: string, got: string): FieldProblem {
  return { path, expected, got };
}
