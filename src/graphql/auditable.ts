import {
  Args,
  ArgsType,
  Ctx,
  Directive,
  Field,
  FieldResolver,
  ID,
  ObjectType,
  registerEnumType,
  Resolver,
  Root,
} from "type-graphql";
import { badInput } from "../audit/errors.js";
import type { ResultPage, SearchRequest } from "../audit/service.js";
import { valueProblems, type RestrictionField } from "../query/filter.js";
import type { AuditContext } from "./context.js";
import { EntryConnectionType } from "./entry-connection.js";
import { referenceId } from "./reference.js";
import { pageRequest, SearchArgs, searchRequest } from "./search.js";
import type { Reference } from "./subgraph.js";

/** An entity of another subgraph. The router sends only its id, not even its type. */
export interface Auditable {
  readonly id: string;
}

export const AuditTrailField = {
  TARGET: "target",
  ACTOR: "actor",
  SOURCE: "source",
  TENANT_ID: "tenant_id",
} as const satisfies Record<string, RestrictionField>;

registerEnumType(AuditTrailField, {
  name: "AuditTrailField",
  description: "The field of an event that names the entity whose trail it is in.",
  valuesConfig: {
    TARGET: { description: "What was done to the entity." },
    ACTOR: { description: "What the entity did." },
    SOURCE: { description: "What came from the entity, if it is a host or a device." },
    TENANT_ID: { description: "What happened in the entity, if it is a tenant." },
  },
});

@ArgsType()
export abstract class AuditTrailArgs extends SearchArgs {
  @Field(() => AuditTrailField, {
    defaultValue: AuditTrailField.TARGET,
    description: "The field whose whole value must be the entity's id.",
  })
  abstract readonly field: (typeof AuditTrailField)[keyof typeof AuditTrailField];

  @Field(() => String, {
    defaultValue: "",
    description: "What events write before the id: `User:` where they name user 42 as `User:42`.",
  })
  abstract readonly prefix: string;
}

@ObjectType("Auditable", {
  simpleResolvers: true,
  description:
    "Any entity of the supergraph that implements the interface `Auditable`, which other subgraphs define as `interface Auditable { id: ID! }`.",
})
@Directive('@key(fields: "id")')
@Directive("@interfaceObject")
export abstract class AuditableType implements Auditable {
  @Field(() => ID, { description: "The entity's id, as its own subgraph returns it." })
  abstract readonly id: string;

  @Field(() => EntryConnectionType, {
    nullable: true,
    description:
      "The entries about this entity: those whose event has its id in `field`, exactly. Works like any other search: pinned, paged and authorised. Its cursors are refused for another entity. Null, with an error, if the search fails: the entity is shown all the same.",
  })
  abstract readonly auditTrail: ResultPage;
}

@Resolver(() => AuditableType)
export class AuditableResolver {
  @FieldResolver({ complexity: 100 })
  auditTrail(
    @Root() { id }: Auditable,
    @Ctx() { service }: AuditContext,
    @Args(() => AuditTrailArgs) trail: AuditTrailArgs,
  ): Promise<ResultPage> {
    return service.search(trailRequest(id, trail), pageRequest(trail));
  }
}

/**
 * Every id resolves: its own subgraph knows whether the entity exists, and an entity that no event names has an empty
 * trail.
 */
export async function auditableByReference(reference: Reference): Promise<Auditable> {
  return Promise.resolve({ id: referenceId(reference) });
}

function trailRequest(id: string, trail: AuditTrailArgs): SearchRequest {
  const { field, prefix } = trail;
  const problems = [...valueProblems(prefix, "prefix"), ...valueProblems(id, "representations.id")];
  if (problems.length > 0) throw badInput(problems);
  return { ...searchRequest(trail), restriction: { [field]: [prefix + id] } };
}
