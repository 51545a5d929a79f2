import ts from "typescript";
import { mutantsOf, type Mutant } from "./operators.js";

/** What the files with switches share, as `$mutants` of their global object, or of what is handed to threads. */
export interface Switches {
  /** 1 for each mutant that has been executed, on or not. */
  readonly seen: Uint8Array;
  /** The mutant that is on, the switches and turns of loops passed, and how many there may be. */
  readonly state: Float64Array;
}

/**
 * What every file with switches begins with, in its first line: whether a mutant is on, by its number, and what ends loops. A
 * thread has the switches of who started it.
 */
const HEAD =
  'const $s = globalThis.$mutants ?? globalThis.process?.getBuiltinModule("worker_threads").getEnvironmentData("$mutants") ' +
  "?? { seen: [], state: [-1, 0, Infinity] }; let $t; " +
  'const $n = () => { if (++$s.state[1] > $s.state[2]) throw new Error("does not end"); }; ' +
  "const $m = (n) => { $n(); $s.seen[n] = 1; return n === $s.state[0]; }; ";

const OPERATE: ReadonlyMap<string, string> = new Map([
  ["&&", "!=="],
  ["||", "==="],
]);

/**
 * The text with mutants in it, each behind a switch, so that one process can try them all. `first` is the number of the first
 * in the text; only those that `isWanted` get a switch, so that the others cost nothing. Every loop has an end.
 */
export function withSwitches(text: string, first: number, isWanted: (number: number) => boolean = () => true): string {
  const file = ts.createSourceFile("mutated.js", text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const numbers = new Map(mutantsOf(text).map((mutant, place) => [keyOf(mutant), first + place]));
  const on = (node: ts.Node, replacement: string): string | undefined => {
    const number = numbers.get(keyOf({ start: node.getStart(file), end: node.getEnd(), replacement }));
    return number === undefined || !isWanted(number) ? undefined : `$m(${number})`;
  };
  const children = (node: ts.Node): string => {
    let done = node.getStart(file);
    let changed = "";
    ts.forEachChild(node, (child) => {
      changed += text.slice(done, child.getStart(file)) + emit(child);
      done = child.getEnd();
    });
    return changed + text.slice(done, node.getEnd());
  };
  const emit = (node: ts.Node): string => {
    if (ts.isImportDeclaration(node)) return node.getText(file);
    if (ts.isIterationStatement(node.parent, false) && node.parent.statement === node)
      return `{$n();${switched(node, { on, emit, children, text, file })}}`;
    const conditional = ts.isConditionalExpression(node.parent) && node.parent.condition === node;
    const asked = conditional || (ts.isIfStatement(node.parent) && node.parent.expression === node);
    if (!asked) return switched(node, { on, emit, children, text, file });
    const condition = switched(node, { on, emit, children, text, file });
    return `(${on(node, "true") ?? "false"}||!${on(node, "false") ?? "false"}&&(${condition}))`;
  };
  return HEAD + text.slice(0, file.getStart(file)) + children(file);
}

function keyOf({ start, end, replacement }: Omit<Mutant, "line">): string {
  return `${start} ${end} ${replacement}`;
}

interface Emitting {
  readonly on: (node: ts.Node, replacement: string) => string | undefined;
  readonly emit: (node: ts.Node) => string;
  readonly children: (node: ts.Node) => string;
  readonly text: string;
  readonly file: ts.SourceFile;
}

/** One node of the tree with the switches of its own and of all below it. */
function switched(node: ts.Node, { on, emit, children, file }: Emitting): string {
  if (ts.isBinaryExpression(node)) {
    const operator = node.operatorToken.getText(file);
    const other = [...SWAPS].find(([from]) => from === operator)?.[1];
    const number = other === undefined ? undefined : on(node.operatorToken, other);
    if (number === undefined || other === undefined) return children(node);
    const [left, right] = [emit(node.left), emit(node.right)];
    const logical = OPERATE.get(operator);
    if (logical !== undefined) return `((($t=(${left})),${number}${logical}!!$t)?(${right}):$t)`;
    return `(${number}?(${left})${other}(${right}):(${left})${operator}(${right}))`;
  }
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
    const number = on(node, `(${node.operand.getText(file)})`);
    return number === undefined ? children(node) : `(($t=(${emit(node.operand)})),${number}?$t:!$t)`;
  }
  if (ts.isExpressionStatement(node)) {
    const number = on(node, ";");
    return number === undefined ? children(node) : `{if(!${number}){${children(node)}}}`;
  }
  if (ts.isPropertyAccessExpression(node)) {
    const twin = ["every", "some", "min", "max"].find((name) => on(node.name, name) !== undefined);
    if (twin === undefined) return children(node);
    const chain = node.questionDotToken === undefined ? "" : "?.";
    return `${emit(node.expression)}${chain}[${on(node.name, twin) ?? ""}?"${twin}":"${node.name.text}"]`;
  }
  if (ts.isNumericLiteral(node)) {
    const number = on(node, `(${node.getText(file)} + 1)`);
    return number === undefined ? node.getText(file) : `(${number}?${node.getText(file)}+1:${node.getText(file)})`;
  }
  return children(node);
}

const SWAPS: readonly (readonly [string, string])[] = [
  ["<", "<="],
  ["<=", "<"],
  [">", ">="],
  [">=", ">"],
  ["===", "!=="],
  ["!==", "==="],
  ["&&", "||"],
  ["||", "&&"],
  ["+", "-"],
  ["-", "+"],
];
