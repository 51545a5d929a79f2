import type { FieldName } from "../core/event.js";
import { words } from "../core/words/words.js";
import { ALL, allOf, anyOf, negationOf, type Filter } from "./filter.js";
import { isSigns, Lexer } from "./lexer.js";
import { syntaxError, SyntaxFault, type QuerySyntaxError } from "./syntax-error.js";
import { writtenTime } from "./time.js";
import type { FieldToken, PlainToken, QuotedToken, TimeOperator, Token } from "./token.js";

export const MAX_QUERY_CHARACTERS = 4_096;
/**
 * The maximum number of words in all; a value after `field=` counts as one. An index reads the list of each word, however
 * many of them stand between two quotes.
 */
export const MAX_WORDS = 256;
/** The maximum number of words of one phrase: an index compares the places of all of them in each entry. */
export const MAX_PHRASE_WORDS = 32;
/** The maximum number of words that end with a star: each expands to all words that begin with it. */
export const MAX_PREFIXES = 16;
/** The maximum depth of nested parentheses and negations. */
export const MAX_NESTING = 32;

export type ParsedQuery = { readonly kind: "parsed"; readonly filter: Filter } | QuerySyntaxError;

/**
 * Parses a query (docs/query-language.md). Reports the leftmost fault. Never throws on any text. `customFields`: those of the
 * log's own schema; other names are text.
 */
export function parseQuery(text: string, customFields: readonly FieldName[] = []): ParsedQuery {
  try {
    refuseUnreadable(text);
    return { kind: "parsed", filter: new Parser(text, customFields).query() };
  } catch (error) {
    if (error instanceof SyntaxFault) return syntaxError(text, error);
    throw error;
  }
}

/** Text that no stored field can hold and that engines treat differently. */
const UNREADABLE = /\p{Cs}|\0/u;

function refuseUnreadable(text: string): void {
  const end = endOfCharacters(text, MAX_QUERY_CHARACTERS);
  if (end < text.length) {
    const token = { kind: "bad", text: text.slice(end), offset: end } as const;
    throw new SyntaxFault(`at most ${MAX_QUERY_CHARACTERS} characters`, token, `${text.length} UTF-16 units`);
  }
  const unreadable = UNREADABLE.exec(text);
  if (unreadable === null) return;
  const token = { kind: "bad", text: unreadable[0], offset: unreadable.index } as const;
  throw new SyntaxFault("text without U+0000 and lone surrogates", token);
}

/** The position after the first `count` characters of a text, in UTF-16 units: a long text is not read further. */
function endOfCharacters(text: string, count: number): number {
  return Array.from(text.slice(0, 2 * count))
    .slice(0, count)
    .join("").length;
}

/** `field:` or `field=` before a value or a group of values; undefined for a bare term. */
type Scope = FieldToken | undefined;

/**
 * Recursive descent over
 *   any   = all *( "OR" all )
 *   all   = unary *( [ "AND" ] unary )            signs alone are blanks between them
 *   unary = ( "-" / "!" / "NOT" ) unary / [ field ] ( word / quoted / "(" any ")" )
 */
class Parser {
  readonly #lexer: Lexer;
  #token: Token;
  #words = 0;
  #prefixes = 0;
  #nesting = 0;

  constructor(query: string, customFields: readonly FieldName[]) {
    this.#lexer = new Lexer(query, customFields);
    this.#token = this.#lexer.next();
  }

  query(): Filter {
    if (this.#skip("end")) return ALL;
    const filter = this.#any(undefined);
    if (!this.#skip("end")) throw this.#fault("a term or the end of the query");
    return filter;
  }

  #any(scope: Scope): Filter {
    const filters = [this.#all(scope)];
    while (this.#skip("or")) filters.push(this.#all(scope));
    return anyOf(filters);
  }

  #all(scope: Scope): Filter {
    const first = this.#token;
    if (this.#skipSigns(scope) && !this.#beginsTerm()) throw new SyntaxFault(NO_WORD, first);
    const filters = [this.#unary(scope)];
    while (this.#continues(scope)) filters.push(this.#unary(scope));
    return allOf(filters);
  }

  /** Whether another term follows: AND has to be followed by one. */
  #continues(scope: Scope): boolean {
    this.#skipSigns(scope);
    if (!this.#skip("and")) return this.#beginsTerm();
    this.#skipSigns(scope);
    return true;
  }

  /** Skips words without a letter or digit, such as `&` or `=>`: between terms they say nothing. */
  #skipSigns(scope: Scope): boolean {
    let isAny = false;
    while (this.#token.kind === "word" && !isWhole(scope) && isSigns(this.#token.text)) {
      this.#advance();
      isAny = true;
    }
    return isAny;
  }

  #unary(scope: Scope): Filter {
    const negation = this.#token;
    if (!this.#skip("minus") && !this.#skip("not")) return this.#primary(scope);
    return this.#nested(negation, () => negationOf(this.#unary(scope)));
  }

  #primary(scope: Scope): Filter {
    const token = this.#token;
    switch (token.kind) {
      case "field":
        return this.#fieldTerm(token, scope);
      case "open":
        return this.#nested(token, () => this.#group(scope));
      case "word":
      case "quoted":
        return this.#term(token, scope);
      default:
        throw this.#fault(scope === undefined ? "a term" : `a value of ${scope.text}`);
    }
  }

  #fieldTerm(token: FieldToken, scope: Scope): Filter {
    if (scope !== undefined) throw this.#fault(`a value of ${scope.text}`);
    this.#advance();
    if (token.operator === "!:" || token.operator === "!=") return negationOf(this.#unary(token));
    return this.#unary(token);
  }

  #group(scope: Scope): Filter {
    this.#advance();
    const filter = this.#any(scope);
    if (!this.#skip("close")) throw this.#fault('a closing ")"');
    return filter;
  }

  #term(token: PlainToken | QuotedToken, scope: Scope): Filter {
    const filter = termFilter(token, scope);
    const count = filter.kind === "phrase" ? filter.words.length : 1;
    if (count > MAX_PHRASE_WORDS)
      throw this.#fault(`at most ${MAX_PHRASE_WORDS} words in a phrase (join shorter ones with AND)`, `${count} words`);
    this.#words += count;
    if (this.#words > MAX_WORDS) throw this.#fault(`at most ${MAX_WORDS} words in all`, `${this.#words} up to here`);
    if (filter.kind === "phrase" && filter.prefix) this.#prefixes += 1;
    if (this.#prefixes > MAX_PREFIXES)
      throw this.#fault(`at most ${MAX_PREFIXES} words that end with "*"`, `${this.#prefixes} up to here`);
    this.#advance();
    return filter;
  }

  #nested(opening: Token, parse: () => Filter): Filter {
    this.#nesting += 1;
    if (this.#nesting > MAX_NESTING) {
      const expected = `at most ${MAX_NESTING} parentheses and negations inside each other`;
      throw new SyntaxFault(expected, opening, String(this.#nesting));
    }
    const filter = parse();
    this.#nesting -= 1;
    return filter;
  }

  #beginsTerm(): boolean {
    return !["and", "or", "close", "end"].includes(this.#token.kind);
  }

  #skip(kind: Token["kind"]): boolean {
    if (this.#token.kind !== kind) return false;
    this.#advance();
    return true;
  }

  #advance(): void {
    this.#token = this.#lexer.next();
  }

  #fault(expected: string, got?: string): SyntaxFault {
    return new SyntaxFault(expected, this.#token, got);
  }
}

function termFilter(token: PlainToken | QuotedToken, scope: Scope): Filter {
  const text = token.kind === "quoted" ? token.content : token.text;
  const isQuotedPrefix = token.kind === "quoted" && token.star;
  if (isQuotedPrefix && isWhole(scope))
    throw new SyntaxFault('a whole value without "*" behind it (":" finds what begins alike)', token);
  if (scope !== undefined && isTime(scope.operator)) return timeFilter(token, scope.operator, text);
  if (scope !== undefined && isWhole(scope)) return { kind: "exact", field: scope.field, value: text };
  if (token.kind !== "quoted" && text === "*")
    return scope === undefined ? ALL : { kind: "present", field: scope.field };
  if (token.kind !== "quoted" && text.includes("*")) return prefixFilter(token, scope?.field);
  if (token.kind === "quoted" && text.trim() === "") return ALL;
  const prefix = isQuotedPrefix && PREFIX.test(`${text}*`);
  return { kind: "phrase", field: scope?.field, words: someWords(token, text), prefix };
}

function isTime(operator: FieldToken["operator"]): operator is TimeOperator {
  return operator.startsWith("<") || operator.startsWith(">");
}

/** A day counts as a whole: `>` begins after its end. */
function timeFilter(token: Token, operator: TimeOperator, text: string): Filter {
  const written = writtenTime(text);
  if (written === undefined) throw new SyntaxFault("a day or a time such as 2026-01-31 or 2026-01-31T09:00:00Z", token);
  const bound = operator === ">=" || operator === "<" ? written.start : written.end;
  return operator.startsWith(">")
    ? { kind: "time", start: bound, end: undefined }
    : { kind: "time", start: undefined, end: bound };
}

/** Whether values are compared as a whole, so that every sign counts. */
function isWhole(scope: Scope): boolean {
  return scope !== undefined && scope.operator !== ":" && scope.operator !== "!:";
}

/** `10.0.*` and `10.0*` differ: a star after a separator stands for any words, and those need not be looked for. */
const STAR_AT_END = /^[^*]*\*$/;
const PREFIX = /[\p{L}\p{M}\p{N}]\*$/u;

function prefixFilter(token: Token, field: FieldName | undefined): Filter {
  if (!STAR_AT_END.test(token.text))
    throw new SyntaxFault('"*" only at the end of a word (put other text in quotes)', token);
  return { kind: "phrase", field, words: someWords(token, token.text), prefix: PREFIX.test(token.text) };
}

const NO_WORD = "at least one letter or number to search for";

function someWords(token: Token, text: string): readonly string[] {
  const found = words(text);
  if (found.length === 0) throw new SyntaxFault(NO_WORD, token);
  return found;
}
