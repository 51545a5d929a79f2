import { badInput } from "../audit/errors.js";
import type { AuditContext } from "./context.js";
import type { EntryNode } from "./entry.js";
import { parseGlobalId } from "./global-id.js";
import { nodeById } from "./node.js";
import type { RootNode } from "./root.js";
import type { Reference } from "./subgraph.js";

const ID_PATH = "representations.id";

/** Fetches an AuditEntry or an AuditRoot, batched with others; null where there is none. Rejects like `nodeById`. */
export async function byGlobalId(reference: Reference, context: AuditContext): Promise<EntryNode | RootNode | null> {
  const id = referenceId(reference);
  const type = String(reference["__typename"]);
  if (`Audit${parseGlobalId(id, ID_PATH).type}` === type) return nodeById(id, ID_PATH, context);
  throw badInput([{ path: ID_PATH, expected: `the id of an entity ${type}`, got: "an id of another type" }]);
}

/**
 * The `id` of a reference: text that is not empty, or the digits of a whole number; anything else is BAD_USER_INPUT.
 */
export function referenceId({ id }: Reference): string {
  if (typeof id === "string" && id !== "") return id;
  if (Number.isSafeInteger(id)) return String(id);
  throw badInput([{ path: ID_PATH, expected: "an id", got: id === "" ? "empty text" : typeof id }]);
}
