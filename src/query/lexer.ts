import { EVENT_FIELDS } from "../core/event.js";
import { fieldNamed } from "./field-name.js";
import { SyntaxFault } from "./syntax-error.js";
import type { PlainToken, Token, TokenText } from "./token.js";

const BLANKS = /\s*/y;
const WORD = /[^\s"()]+/y;
const QUOTED = /"((?:[^"\\]|\\[^])*)"/y;
const ESCAPE = /\\(["\\])/g;
const NAMED = /([A-Za-z_]\w*)([:=<>])/y;
const OPERATOR = /[:=<>]/y;
/** What cannot begin a value: `note:` alone, `std::string`, `x=>y` and `https://…` are text, not an unknown field. */
const NO_VALUE = /\s|\)|$|[:=<>]|\/\//y;
const OPERATOR_WORDS: ReadonlyMap<string, "and" | "or" | "not"> = new Map([
  ["AND", "and"],
  ["OR", "or"],
  ["NOT", "not"],
]);

/**
 * Splits a query into tokens, one at a time, so that the first fault in the text is the one reported. After `field:`
 * everything up to a blank, quote or parenthesis is the value: colons, minus signs and `AND` are literal there.
 */
export class Lexer {
  #offset = 0;
  #afterField = false;

  constructor(readonly query: string) {}

  /** Returns the next token; at the end, `end` every time. Throws a SyntaxFault. */
  next(): Token {
    this.#offset += this.#match(BLANKS)?.[0].length ?? 0;
    const token = this.#bracket() ?? this.#quoted() ?? (this.#afterField ? this.#value() : this.#term());
    this.#offset += token.text.length;
    this.#afterField = token.kind === "field";
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
    const [text, escaped] = this.#match(QUOTED) ?? [];
    if (text === undefined || escaped === undefined)
      throw this.#fault('a closing quote "', this.query.slice(this.#offset));
    return { kind: "quoted", text, offset: this.#offset, content: escaped.replace(ESCAPE, "$1") };
  }

  #value(): Token {
    this.#refuseOperator("a value; put it in quotes if it begins like this");
    return this.#plain("word", this.#word());
  }

  #term(): Token {
    this.#refuseOperator("a term; put text in quotes if it begins like this");
    const word = this.#word();
    if (word.startsWith("-")) return this.#minus(word);
    return this.#field() ?? this.#plain(OPERATOR_WORDS.get(word) ?? "word", word);
  }

  /** A minus negates what directly follows it; alone it would be a dash in a sentence. */
  #minus(word: string): Token {
    const next = this.query.charAt(this.#offset + 1);
    if (word === "-" && next !== "(" && next !== '"') throw this.#fault('a term directly after "-"', word);
    return this.#plain("minus", "-");
  }

  #field(): Token | undefined {
    const [text, name, operator] = this.#match(NAMED) ?? [];
    if (text === undefined || name === undefined) return undefined;
    const field = fieldNamed(name);
    if (field !== undefined && (operator === ":" || operator === "="))
      return { kind: "field", text, offset: this.#offset, field, operator };
    if (field === undefined && this.#matchAt(NO_VALUE, this.#offset + text.length) !== null) return undefined;
    throw this.#fault(expectedInsteadOf(name, operator), text);
  }

  #refuseOperator(expected: string): void {
    const operator = this.#match(OPERATOR);
    if (operator !== null) throw this.#fault(expected, operator[0]);
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

function expectedInsteadOf(name: string, operator: string | undefined): string {
  if (name === "received_at" || name === "receivedAt") return "times in the window argument, not in the query";
  if (operator === "<" || operator === ">")
    return `":" or "=" after a field: the fields are text, without order (put other text in quotes)`;
  return `one of the fields ${EVENT_FIELDS.join(", ")} (put other text in quotes)`;
}
