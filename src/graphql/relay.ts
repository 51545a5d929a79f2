import { Directive, Field, ID, InterfaceType, ObjectType } from "type-graphql";

/** The results of `node(id:)`; the concrete type is in the value's own `__typename`. */
@InterfaceType("Node", {
  description: "An object with a global id, by which `node(id:)` can fetch it again.",
})
export abstract class NodeType {
  @Field(() => ID, {
    description: "Opaque and stable: an object has the same id in every response, from every gateway of this log.",
  })
  abstract readonly id: string;
}

export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

@ObjectType("PageInfo", {
  simpleResolvers: true,
  description: "The position of a page in its result (Relay's cursor connections).",
})
@Directive("@shareable")
export abstract class PageInfoType implements PageInfo {
  @Field(() => Boolean, { description: "Whether the result continues after this page; exact in both directions." })
  abstract readonly hasNextPage: boolean;

  @Field(() => Boolean, { description: "Whether the result has entries before this page; exact in both directions." })
  abstract readonly hasPreviousPage: boolean;

  @Field(() => String, { nullable: true, description: "Cursor of the page's first edge; null on an empty page." })
  abstract readonly startCursor: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Cursor of the page's last edge, for `after` of the next page; null on an empty page.",
  })
  abstract readonly endCursor: string | null;
}
