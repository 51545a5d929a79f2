import type { FieldName } from "../core/event.js";
import { words } from "../core/words/words.js";
import { fieldMeant, fieldNamed } from "./field-name.js";
import { SyntaxFault } from "./syntax-error.js";
import type { FieldToken, PlainToken, Token, TokenText } from "./token.js";

const BLANKS = /\s*/y;
const WORD = /[^\s"()]+/y;
const QUOTED = /"((?:[^"\\]|\\[^])*)"(\*+(?=[\s()"]|$))?/y;
const ESCAPE = /\\(["\\])/g;
const NAMED = /([A-Za-z_]\w*)(!?[:=]|[<>]=?)/y;
/** In `Status: 200`, `std::string`, `x=>y` and `https://…` the sign names no field: these are text. */
const NO_VALUE = /\s|\)|$|[:=<>]|\/\//y;
const OPERATOR_WORDS: ReadonlyMap<string, "and" | "or" | "not"> = new Map([
  ["AND", "and"],
  ["OR", "or"],
  ["NOT", "not"],
]);

/**
 * Splits a query into tokens, one at a time, so that the first fault in the text is the one reported. After `field:`
 * everything up to a blank, quote or parenthesis is the value: colons, minus signs and `AND` are literal there. An
 * exclamation mark before a value negates it.
 */
export class Lexer {
  #offset = 0;
  #last: Token | undefined;

  /** `custom`: the fields of the log's own schema. */
  constructor(
    readonly query: string,
    private readonly custom: readonly FieldName[],
  ) {}

  /** Returns the next token; at the end, `end` every time. Throws a SyntaxFault. */
  next(): Token {
    this.#offset += this.#match(BLANKS)?.[0].length ?? 0;
    const token =
      this.#bracket() ?? this.#quoted() ?? (this.#last?.kind === "field" ? this.#value(this.#last) : this.#term());
    this.#offset += token.text.length;
    this.#last = token;
    return token;
  }

  #bracket(): Token | undefined {
    const text = this.query.charAt(this.#offset);
    if (text === "") return this.#plain("end", "");
    if (text === "(") return this.#plain("open", text);
    return text === ")" ? this.#plain("close", text) : undefined;
  }

  #quoted(): Token | undefined {
    if (this.query.charAt(this.#offset) !== '"') return undefined;
    const [text, escaped = "", star] = this.#match(QUOTED) ?? [];
    if (text === undefined) throw this.#fault('a closing quote "', this.query.slice(this.#offset));
    return {
      kind: "quoted",
      text,
      offset: this.#offset,
      content: escaped.replace(ESCAPE, "$1"),
      star: star !== undefined,
    };
  }

  #value({ field, operator }: FieldToken): Token {
    const word = this.#word();
    if (/^[=<>]/.test(word)) throw this.#fault("a value; put it in quotes if it begins like this", word.charAt(0));
    if (!word.startsWith("!")) return this.#plain("word", word);
    if (operator !== "=" && operator !== "!=") return this.#plain("minus", "!");
    throw this.#fault(`"${field}!=" for any other value, or quotes around one that begins like this`, word);
  }

  #term(): Token {
    const word = this.#word();
    const areSigns = isSigns(word) && !this.#isBefore('("', word);
    if (/^[-!]/.test(word) && (!areSigns || word.length === 1)) return this.#negation(word);
    if (areSigns && /^!?[:=<>]/.test(word) && fieldNamed(this.#last?.text ?? "", this.custom) !== undefined)
      throw this.#fault("an operator directly after its field, and a value directly after that", word);
    return this.#field() ?? this.#plain(OPERATOR_WORDS.get(word) ?? "word", word);
  }

  /** A minus or exclamation mark negates what directly follows it; alone it would be a dash in a sentence. */
  #negation(word: string): Token {
    const sign = word.charAt(0);
    if (word === sign && !this.#isBefore('("', word)) throw this.#fault(`a term directly after "${sign}"`, word);
    return this.#plain("minus", sign);
  }

  #isBefore(characters: string, word: string): boolean {
    const next = this.query.charAt(this.#offset + word.length);
    return next !== "" && characters.includes(next);
  }

  #field(): Token | undefined {
    const [text, name = "", operator] = this.#match(NAMED) ?? [];
    if (text === undefined) return undefined;
    const field = fieldNamed(name, this.custom);
    if (field !== undefined && isOperator(operator, field))
      return { kind: "field", text, offset: this.#offset, field, operator };
    if (field !== undefined) throw this.#fault(NO_ORDER, text);
    if (this.#matchAt(NO_VALUE, this.#offset + text.length) !== null) return undefined;
    if (name === "received_at" || name === "receivedAt")
      throw this.#fault("times in the window argument, not in the query", text);
    const meant = fieldMeant(name);
    if (meant !== undefined) throw this.#fault(`"${meant}${operator ?? ""}" (put other text in quotes)`, text);
    return undefined;
  }

  #word(): string {
    return this.#match(WORD)?.[0] ?? "";
  }

  #plain(kind: PlainToken["kind"], text: string): PlainToken {
    return { kind, text, offset: this.#offset };
  }

  #fault(expected: string, text: string): SyntaxFault {
    const token: TokenText = { kind: "bad", text, offset: this.#offset };
    return new SyntaxFault(expected, token);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    return this.#matchAt(pattern, this.#offset);
  }

  #matchAt(pattern: RegExp, offset: number): RegExpExecArray | null {
    pattern.lastIndex = offset;
    return pattern.exec(this.query);
  }
}

/** Whether a word has no letter and no digit. A star alone is a word: it stands for anything. */
export function isSigns(word: string): boolean {
  return word !== "*" && words(word).length === 0;
}

const NO_ORDER = '":" or "=" after a field: all but timestamp are text, without order (put other text in quotes)';

const OPERATORS: readonly string[] = [":", "=", "!:", "!="] satisfies readonly FieldToken["operator"][];

function isOperator(operator = "", field: FieldName): operator is FieldToken["operator"] {
  return OPERATORS.includes(operator) || (field === "timestamp" && /^[<>]/.test(operator));
}
