import {
  GraphQLError,
  Kind,
  type ASTNode,
  type ASTVisitor,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from "graphql";

/**
 * The maximum size of one GraphQL document: many times what the example operations need, but small enough that a short
 * text cannot cost long work. What depends on variables is measured per request, in cost.ts.
 */
export const LIMITS = {
  /** Lexical tokens in a document: about 1,000 events written as literals. */
  tokens: 50_000,
  /** Nesting of fields, fragments included; the standard introspection query needs 15. */
  depth: 20,
  /** Aliases in a document, `__typename` included. */
  aliases: 100,
  directives: 100,
  /** Fields at the top of one operation, fragments included: each is a call to the service. */
  rootFields: 20,
  /** Field values in a response: each field times the page sizes around it, and what counts as many (cost.ts). */
  cost: 200_000,
} as const;

function tooMuch(what: string, limit: number, node: ASTNode): GraphQLError {
  return new GraphQLError(`The document has ${what}: the limit is ${limit}.`, {
    nodes: node,
    extensions: { code: "GRAPHQL_VALIDATION_FAILED" },
  });
}

/** Reports once, at the first node past the limit. */
function counter(context: ValidationContext, what: string, limit: number): (node: ASTNode) => void {
  let count = 0;
  return (node) => {
    count += 1;
    if (count === limit + 1) context.reportError(tooMuch(`too many ${what}`, limit, node));
  };
}

function aliasLimit(context: ValidationContext): ASTVisitor {
  const count = counter(context, "aliases", LIMITS.aliases);
  return {
    Field(node) {
      if (node.alias !== undefined) count(node);
    },
  };
}

function directiveLimit(context: ValidationContext): ASTVisitor {
  return { Directive: counter(context, "directives", LIMITS.directives) };
}

/**
 * The deepest field of a selection set. Each fragment is measured once; a cycle, which another rule reports, counts as
 * flat.
 */
function depthMeasure(context: ValidationContext): (selectionSet: SelectionSetNode) => number {
  const fragments = new Map<string, number>();
  const ofFragment = (name: string): number => {
    const known = fragments.get(name);
    if (known !== undefined) return known;
    fragments.set(name, 0);
    const selectionSet = context.getFragment(name)?.selectionSet;
    const depth = selectionSet === undefined ? 0 : of(selectionSet);
    fragments.set(name, depth);
    return depth;
  };
  const ofSelection = (selection: SelectionNode): number => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return ofFragment(selection.name.value);
    const inner = selection.selectionSet === undefined ? 0 : of(selection.selectionSet);
    return selection.kind === Kind.FIELD ? inner + 1 : inner;
  };
  const of = ({ selections }: SelectionSetNode): number => Math.max(...selections.map(ofSelection));
  return of;
}

/** The number of fields in a selection set itself; a fragment counts once, because spreading it again adds nothing. */
function fieldCount(context: ValidationContext, { selections }: SelectionSetNode, entered: Set<string>): number {
  return selections.reduce((count, selection) => {
    if (selection.kind === Kind.FIELD) return count + 1;
    if (selection.kind === Kind.INLINE_FRAGMENT) return count + fieldCount(context, selection.selectionSet, entered);
    const inner = entered.has(selection.name.value) ? undefined : context.getFragment(selection.name.value);
    entered.add(selection.name.value);
    return inner ? count + fieldCount(context, inner.selectionSet, entered) : count;
  }, 0);
}

function operationLimits(context: ValidationContext): ASTVisitor {
  const depth = depthMeasure(context);
  return {
    OperationDefinition(node) {
      if (depth(node.selectionSet) > LIMITS.depth) {
        context.reportError(tooMuch("fields nested too deeply", LIMITS.depth, node));
      }
      if (fieldCount(context, node.selectionSet, new Set()) > LIMITS.rootFields) {
        context.reportError(tooMuch("too many fields at the top of an operation", LIMITS.rootFields, node));
      }
    },
  };
}

export const limitRules: readonly ValidationRule[] = [aliasLimit, directiveLimit, operationLimits];
