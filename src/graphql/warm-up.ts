import type { ApolloServer } from "@apollo/server";
import { Kind, parse } from "graphql";
import { badInput } from "../audit/errors.js";
import type { AuditService } from "../audit/service.js";
import { auditContext, type AuditContext } from "./context.js";

/**
 * Parses, validates and compiles documents before their first request: everything except executing them. Rejects with
 * BAD_USER_INPUT when one of them is refused.
 */
export async function warmUp(
  apollo: ApolloServer<AuditContext>,
  service: AuditService,
  texts: Iterable<string>,
): Promise<void> {
  const contextValue = { ...auditContext(service, true), executes: false };
  for (const query of texts) {
    for (const operationName of operationNames(query)) {
      const { body } = await apollo.executeOperation({ query, ...operationName }, { contextValue });
      const [error] = body.kind === "single" ? (body.singleResult.errors ?? []) : [];
      const path = `trusted document ${query.slice(0, 80)}`;
      if (error) throw badInput([{ path, expected: "a valid document", got: error.message }]);
    }
  }
}

/**
 * One for each operation; an unnamed one is the only one. A document that cannot be parsed is left to Apollo to refuse.
 */
function operationNames(text: string): readonly { readonly operationName?: string }[] {
  try {
    return parse(text)
      .definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
      .map(({ name }) => (name === undefined ? {} : { operationName: name.value }));
  } catch {
    return [{}];
  }
}
