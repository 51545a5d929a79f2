import { badInput } from "../../audit/errors.js";
import type { EventField } from "../../core/event.js";
import type { Filter, PhraseFilter } from "../../query/ast.js";
import { EVERY_ENTRY, valueToken } from "./index-token.js";

/** A filter as FTS5 can answer it. */
export type CompiledFilter =
  | { readonly kind: "every" }
  | { readonly kind: "none" }
  /** The text of an FTS5 MATCH, to be bound as a parameter. */
  | { readonly kind: "match"; readonly expression: string };

/** FTS5 has no NOT of one operand, so a negation is carried as `everything except …` until something is there to take it from. */
type Term =
  | { readonly kind: "every" }
  | { readonly kind: "none" }
  | { readonly kind: "match"; readonly expression: Expression }
  | { readonly kind: "except"; readonly expression: Expression };

/** `stack`: how many places of FTS5's parser stack the text takes at its deepest. */
interface Expression {
  readonly text: string;
  readonly stack: number;
}

/** FTS5's parser has a fixed stack of 100 places. */
const MAX_STACK = 90;

const EVERY: Term = { kind: "every" };
const NONE: Term = { kind: "none" };

/** Throws BAD_USER_INPUT when the filter nests deeper than FTS5 can parse. */
export function compileFilter(filter: Filter): CompiledFilter {
  const term = compiled(filter);
  switch (term.kind) {
    case "every":
    case "none":
      return term;
    case "match":
      return matching(term.expression);
    case "except":
      return matching(without(leaf(quoted(EVERY_ENTRY)), term.expression));
  }
}

function matching({ text, stack }: Expression): CompiledFilter {
  if (stack <= MAX_STACK) return { kind: "match", expression: text };
  throw badInput([{ path: "query", expected: "fewer parentheses inside each other", got: "a query nested too deep" }]);
}

function compiled(filter: Filter): Term {
  switch (filter.kind) {
    case "all":
      return EVERY;
    case "phrase":
      return { kind: "match", expression: phrase(filter) };
    case "exact":
      return { kind: "match", expression: leaf(quoted(valueToken(filter.field, filter.value))) };
    case "and":
      return conjunction(filter.filters.map(compiled));
    case "or":
      return negation(conjunction(filter.filters.map(compiled).map(negation)));
    case "not":
      return negation(compiled(filter.filter));
  }
}

function negation(term: Term): Term {
  switch (term.kind) {
    case "every":
      return NONE;
    case "none":
      return EVERY;
    case "match":
      return { kind: "except", expression: term.expression };
    case "except":
      return { kind: "match", expression: term.expression };
  }
}

/** What all terms hold: the matches together, less the exceptions together. */
function conjunction(terms: readonly Term[]): Term {
  if (terms.some((term) => term.kind === "none")) return NONE;
  const wanted = joined("AND", expressionsOf(terms, "match"));
  const unwanted = joined("OR", expressionsOf(terms, "except"));
  if (wanted === undefined) return unwanted === undefined ? EVERY : { kind: "except", expression: unwanted };
  return { kind: "match", expression: unwanted === undefined ? wanted : without(wanted, unwanted) };
}

function expressionsOf(terms: readonly Term[], kind: "match" | "except"): readonly Expression[] {
  return terms.flatMap((term) => (term.kind === kind ? [term.expression] : []));
}

/** The deepest operand first: what stands left of an operator needs one place of the stack, what stands right needs three. */
function joined(operator: "AND" | "OR", expressions: readonly Expression[]): Expression | undefined {
  const [first, ...rest] = expressions.toSorted((a, b) => b.stack - a.stack);
  if (first === undefined || rest.length === 0) return first;
  const text = `(${[first, ...rest].map((expression) => expression.text).join(` ${operator} `)})`;
  return { text, stack: Math.max(first.stack + 1, ...rest.map((expression) => expression.stack + 3)) };
}

function without(wanted: Expression, unwanted: Expression): Expression {
  const text = `(${wanted.text} NOT ${unwanted.text})`;
  return { text, stack: Math.max(wanted.stack + 1, unwanted.stack + 3) };
}

function phrase({ field, words, prefix }: PhraseFilter): Expression {
  const text = quoted(words.join(" ")) + (prefix ? " *" : "");
  return field === undefined ? leaf(text) : inColumn(field, text);
}

const inColumn = (column: EventField, text: string): Expression => leaf(`${quoted(column)} : ${text}`);

/** A string, a column filter and a prefix star: at most four places. */
const leaf = (text: string): Expression => ({ text, stack: 4 });

/** Words hold no quotes; doubled all the same, so that no text can ever become part of the expression's grammar. */
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
