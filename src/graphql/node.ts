import { Arg, Ctx, Extensions, ID, Query, Resolver } from "type-graphql";
import { AuditError, badInput } from "../audit/errors.js";
import type { EntryOutcome } from "../audit/service.js";
import type { AuditContext } from "./context.js";
import { entryNode, type EntryNode } from "./entry.js";
import { asError, corruptEntry } from "./errors.js";
import { parseGlobalId } from "./global-id.js";
import { NodeType } from "./relay.js";
import { rootNode, type RootNode } from "./root.js";

/** The maximum number of ids of one `nodes` field: as many as a page has entries. */
const MAX_NODES = 1000;

@Resolver()
export class NodeResolver {
  @Query(() => NodeType, {
    complexity: 1,
    nullable: true,
    description: "Fetches an object by its global id. Null if it does not exist.",
  })
  node(
    @Ctx() context: AuditContext,
    @Arg("id", () => ID, { description: "An `id` that this API returned." }) id: string,
  ): Promise<EntryNode | RootNode | null> {
    return nodeById(id, "id", context);
  }

  @Extensions({ listSize: MAX_NODES })
  @Query(() => [NodeType], {
    complexity: 1,
    nullable: "items",
    description: "Fetches up to 1,000 objects by their global ids, in the order given; null where one does not exist.",
  })
  nodes(
    @Ctx() context: AuditContext,
    @Arg("ids", () => [ID], { description: "Ids that this API returned: at most 1,000." }) ids: readonly string[],
  ): Promise<readonly (EntryNode | RootNode | Error | null)[]> {
    if (ids.length > MAX_NODES) {
      throw badInput([{ path: "ids", expected: `at most ${MAX_NODES} ids`, got: String(ids.length) }]);
    }
    return Promise.all(ids.map((id, i) => nodeById(id, `ids[${i}]`, context).catch(asError)));
  }
}

/**
 * The object with a global id, or null. Rejects with BAD_USER_INPUT at `path` for an id that this API never returned.
 */
export async function nodeById(id: string, path: string, context: AuditContext): Promise<EntryNode | RootNode | null> {
  const { type, log, place } = parseGlobalId(id, path);
  try {
    if (type === "Root") return rootNode(await context.loaders.root(log, place));
    return found(await context.loaders.entries.load({ log, at: place }), log);
  } catch (error) {
    if (error instanceof AuditError && error.code === "NOT_FOUND") return null;
    throw error;
  }
}

/** The entry, or null where there is none. Throws ENTRY_CORRUPT if its bytes were changed. */
export function found(outcome: EntryOutcome, log: string): EntryNode | null {
  switch (outcome.kind) {
    case "entry":
      return entryNode(outcome.entry);
    case "missing":
      return null;
    case "corrupt":
      throw corruptEntry(log, outcome.leafIndex);
  }
}
