import {
  BREAK,
  GraphQLError,
  visit,
  type ASTNode,
  type ASTVisitor,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type ValidationRule,
} from "graphql";

/**
 * The maximum size of one GraphQL document: many times what the example operations need, but small enough that a short
 * text cannot cost long work. What depends on variables is measured per request, in cost.ts.
 */
export const LIMITS = {
  /** UTF-16 units of a document, counted before it is parsed: a parser makes a token of each comment too. */
  characters: 256 * 1_024,
  /** Lexical tokens in a document: about 1,000 events written as literals. */
  tokens: 50_000,
  /** Operations and fragments: validation compares fragments with each other. */
  definitions: 100,
  /** Selection sets, lists, objects and types of lists inside each other, fragments included: much of validation is recursive. */
  nesting: 100,
  /** Nesting of fields, fragments included; the standard introspection query needs 15. */
  depth: 20,
  /** Fields and fragments selected in a document: validation compares those of one response name in pairs. */
  selections: 2_000,
  /** Aliases in a document, `__typename` included. */
  aliases: 100,
  /** Variables that a document declares. */
  variables: 250,
  directives: 100,
  /** Directives at one place: GraphQL itself has two for a field. */
  directivesAtOnePlace: 5,
  /** Fields at the top of one operation, fragments included: each is a call to the service. */
  rootFields: 20,
  /** Field values in a response: each field times the page sizes around it, and what counts as many (cost.ts). */
  cost: 200_000,
} as const;

/**
 * The limits of a parsed document, as a rule that runs before all others: those never see a document that exceeds a
 * limit, because several of them recurse or take quadratic time in what is limited here.
 */
const documentLimits: ValidationRule = (context) => ({
  Document(document) {
    const faults = limitFaults(document);
    for (const fault of faults) context.reportError(fault);
    return faults.length === 0 ? undefined : { ...document, definitions: [] };
  },
});

export const limitRules: readonly ValidationRule[] = [documentLimits];

function limitFaults(document: DocumentNode): readonly GraphQLError[] {
  const extra = document.definitions[LIMITS.definitions];
  if (extra !== undefined) return [tooMuch("too many operations and fragments", LIMITS.definitions, extra)];
  const measured = new DocumentMeasure(document);
  if (measured.fault !== undefined) return [measured.fault];
  return measured.operations.flatMap((operation) => operationFaults(operation, measured.fragments));
}

function tooMuch(what: string, limit: number, node: ASTNode): GraphQLError {
  return new GraphQLError(`The document has ${what}: the limit is ${limit}.`, {
    nodes: node,
    extensions: { code: "GRAPHQL_VALIDATION_FAILED" },
  });
}

/** The counts of an operation or fragment, without those of the fragments it spreads. */
interface Shape {
  readonly node: ASTNode;
  /** Fields inside each other. */
  depth: number;
  /** The depth that LIMITS.nesting limits. */
  nesting: number;
  rootFields: number;
  readonly spreads: Spread[];
}

/** A fragment's name, and the fields and selection sets around its place. */
interface Spread {
  readonly name: string;
  readonly depth: number;
  readonly nesting: number;
}

/** One walk over a document without recursion, which stops at the first limit that is exceeded. */
class DocumentMeasure {
  readonly operations: Shape[] = [];
  readonly fragments = new Map<string, Shape>();
  fault: GraphQLError | undefined;
  #shape: Shape | undefined;
  #depth = 0;
  #nesting = 0;
  readonly #counts = { selections: 0, aliases: 0, variables: 0, directives: 0 };

  constructor(document: DocumentNode) {
    visit(document, this.#visitor());
  }

  #visitor(): ASTVisitor {
    const nests = {
      enter: (node: ASTNode) => this.#nest(node),
      leave: () => {
        this.#nesting--;
      },
    };
    return {
      OperationDefinition: (node) => void this.operations.push(this.#begin(node)),
      FragmentDefinition: (node) => void this.fragments.set(node.name.value, this.#begin(node)),
      VariableDefinition: (node) => this.#count("variables", node),
      SelectionSet: nests,
      ListValue: nests,
      ListType: nests,
      ObjectValue: nests,
      Field: {
        enter: (node) => this.#field(node),
        leave: () => {
          this.#depth--;
        },
      },
      InlineFragment: (node) => this.#count("selections", node),
      FragmentSpread: (node) => {
        this.#shape?.spreads.push({ name: node.name.value, depth: this.#depth, nesting: this.#nesting });
        return this.#count("selections", node);
      },
      Directive: (node, _key, siblings) => this.#directive(node, siblings),
    };
  }

  #begin(node: ASTNode): Shape {
    this.#shape = { node, depth: 0, nesting: 0, rootFields: 0, spreads: [] };
    return this.#shape;
  }

  #nest(node: ASTNode): unknown {
    this.#nesting++;
    if (this.#shape !== undefined) this.#shape.nesting = Math.max(this.#shape.nesting, this.#nesting);
    return this.#nesting > LIMITS.nesting ? this.#end("too much inside each other", LIMITS.nesting, node) : undefined;
  }

  #field(node: FieldNode): unknown {
    if (this.#shape !== undefined) {
      if (this.#depth === 0) this.#shape.rootFields++;
      this.#shape.depth = Math.max(this.#shape.depth, this.#depth + 1);
    }
    this.#depth++;
    return this.#count("selections", node) ?? (node.alias && this.#count("aliases", node));
  }

  #directive(node: DirectiveNode, siblings: unknown): unknown {
    const most = LIMITS.directivesAtOnePlace;
    if (Array.isArray(siblings) && siblings.length > most)
      return this.#end("too many directives at one place", most, node);
    return this.#count("directives", node);
  }

  #count(what: "selections" | "aliases" | "variables" | "directives", node: ASTNode): unknown {
    this.#counts[what]++;
    return this.#counts[what] > LIMITS[what] ? this.#end(`too many ${what}`, LIMITS[what], node) : undefined;
  }

  #end(what: string, limit: number, node: ASTNode): unknown {
    this.fault = tooMuch(what, limit, node);
    return BREAK;
  }
}

type Fragments = ReadonlyMap<string, Shape>;

function operationFaults(operation: Shape, fragments: Fragments): readonly GraphQLError[] {
  const { depth, nesting } = unfolded(operation, fragments, new Map());
  if (nesting > LIMITS.nesting) return [tooMuch("too much inside each other", LIMITS.nesting, operation.node)];
  const fields = rootFields(operation, fragments, new Set());
  return [
    ...(depth > LIMITS.depth ? [tooMuch("fields nested too deeply", LIMITS.depth, operation.node)] : []),
    ...(fields > LIMITS.rootFields
      ? [tooMuch("too many fields at the top of an operation", LIMITS.rootFields, operation.node)]
      : []),
  ];
}

type Measured = Pick<Shape, "depth" | "nesting">;

const FLAT: Measured = { depth: 0, nesting: 0 };

/**
 * Depth and nesting with what is spread. Each fragment is measured once; a cycle, which another rule reports, counts as
 * flat. Recursive, but never deeper than a document may have definitions.
 */
function unfolded(shape: Shape, fragments: Fragments, known: Map<string, Measured>): Measured {
  let { depth, nesting } = shape;
  for (const spread of shape.spreads) {
    const fragment = fragments.get(spread.name);
    const inner =
      known.get(spread.name) ?? (known.set(spread.name, FLAT), fragment && unfolded(fragment, fragments, known));
    if (inner === undefined) continue;
    known.set(spread.name, inner);
    depth = Math.max(depth, spread.depth + inner.depth);
    nesting = Math.max(nesting, spread.nesting + inner.nesting);
  }
  return { depth, nesting };
}

/** The number of fields at the top; a fragment counts once, because spreading it again adds nothing. */
function rootFields({ rootFields: own, spreads }: Shape, fragments: Fragments, entered: Set<string>): number {
  return spreads.reduce((count, { name, depth }) => {
    if (depth > 0 || entered.has(name)) return count;
    entered.add(name);
    const fragment = fragments.get(name);
    return fragment ? count + rootFields(fragment, fragments, entered) : count;
  }, own);
}
