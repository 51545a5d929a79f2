import {
  GraphQLObjectType,
  Kind,
  parse,
  print,
  visit,
  type DocumentNode,
  type FieldDefinitionNode,
  type GraphQLSchema,
} from "graphql";

const ROOT_TYPES: ReadonlySet<string> = new Set(["Query", "Mutation", "Subscription"]);
/** Relay looks for objects under these names. */
const NODE_FIELDS: ReadonlySet<string> = new Set(["node", "nodes"]);

/** The prefixed name of a root field: `auditLog` for `log` and the prefix `audit`. */
function prefixed(name: string, prefix: string): string {
  return NODE_FIELDS.has(name) ? name : `${prefix}${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** The text of a schema with its root fields under prefixed names, in the descriptions that mention them too. */
export function withPrefix(text: string, prefix: string): string {
  const names = new Set<string>();
  const renamed = withRootFields(text, (field) => {
    names.add(field.name.value);
    return [{ ...field, name: { ...field.name, value: prefixed(field.name.value, prefix) } }];
  });
  return printed(mentioning(renamed, names, prefix));
}

/** The text of a schema without `node` and `nodes`, which only one subgraph of a supergraph can have. */
export function withoutNode(text: string): string {
  return printed(withRootFields(text, (field) => (NODE_FIELDS.has(field.name.value) ? [] : [field])));
}

type Field = FieldDefinitionNode;

function withRootFields(text: string, change: (field: Field) => readonly Field[]): DocumentNode {
  const { definitions, ...document } = parse(text);
  return {
    ...document,
    definitions: definitions.map((type) =>
      type.kind === Kind.OBJECT_TYPE_DEFINITION && ROOT_TYPES.has(type.name.value)
        ? { ...type, fields: (type.fields ?? []).flatMap(change) }
        : type,
    ),
  };
}

/** `root` alone is a field of pages and receipts. */
function mentioning(document: DocumentNode, names: ReadonlySet<string>, prefix: string): DocumentNode {
  const mentioned = (whole: string, name: string, next: string): string =>
    !names.has(name) || (name === "root" && next === "`") ? whole : `\`${prefixed(name, prefix)}${next}`;
  return visit(document, {
    StringValue: (node) => ({ ...node, value: node.value.replace(/`(\w+)([`(])/g, mentioned) }),
  });
}

function printed(document: DocumentNode): string {
  return `${print(document)}\n`;
}

/** Adds each root field under its prefixed name to a schema that has it under its own. */
export function addPrefixed(schema: GraphQLSchema, prefix: string): void {
  for (const name of ROOT_TYPES) {
    const type = schema.getType(name);
    if (!(type instanceof GraphQLObjectType)) continue;
    const fields = type.getFields();
    for (const field of Object.values(fields)) {
      const other = prefixed(field.name, prefix);
      fields[other] ??= { ...field, name: other };
    }
  }
}
