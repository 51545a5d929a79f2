import ts from "typescript";

/** One change of a file's text, of a kind that a programmer makes by mistake. */
export interface Mutant {
  /** Offsets into the text. */
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** From 1. */
  readonly line: number;
}

type Change = readonly [node: ts.Node, replacement: string];

const SWAPPED: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.LessThanToken, "<="],
  [ts.SyntaxKind.LessThanEqualsToken, "<"],
  [ts.SyntaxKind.GreaterThanToken, ">="],
  [ts.SyntaxKind.GreaterThanEqualsToken, ">"],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, "!=="],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, "==="],
  [ts.SyntaxKind.AmpersandAmpersandToken, "||"],
  [ts.SyntaxKind.BarBarToken, "&&"],
  [ts.SyntaxKind.PlusToken, "-"],
  [ts.SyntaxKind.MinusToken, "+"],
]);

const TWINS: ReadonlyMap<string, string> = new Map([
  ["every", "some"],
  ["some", "every"],
  ["min", "max"],
  ["max", "min"],
]);

/** Every mutant of a file of JavaScript, in the order of its text. */
export function mutantsOf(text: string): readonly Mutant[] {
  const file = ts.createSourceFile("mutated.js", text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const mutants: Mutant[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) return;
    for (const [changed, replacement] of changesOf(node)) {
      const start = changed.getStart(file);
      const line = file.getLineAndCharacterOfPosition(start).line + 1;
      mutants.push({ start, end: changed.getEnd(), replacement, line });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return mutants.sort((a, b) => a.start - b.start || a.end - b.end);
}

/** The text with one of its mutants in place. */
export function mutated(text: string, { start, end, replacement }: Mutant): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

function changesOf(node: ts.Node): readonly Change[] {
  if (ts.isBinaryExpression(node)) return operatorChange(node);
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
    return [[node, `(${node.operand.getText()})`]];
  if (ts.isIfStatement(node)) return conditionChanges(node.expression);
  if (ts.isConditionalExpression(node)) return conditionChanges(node.condition);
  if (ts.isExpressionStatement(node)) return statementChange(node);
  if (ts.isPropertyAccessExpression(node)) return twinChange(node);
  if (ts.isNumericLiteral(node) && !isSetting(node)) return [[node, `(${node.getText()} + 1)`]];
  return [];
}

const MULTIPLIED: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.AsteriskToken,
  ts.SyntaxKind.AsteriskAsteriskToken,
]);

/** A number that was chosen, and could as well be a little larger: a limit's value, not its use. */
function isSetting(literal: ts.NumericLiteral): boolean {
  let { parent }: ts.Node = literal;
  while (ts.isBinaryExpression(parent) && MULTIPLIED.has(parent.operatorToken.kind)) parent = parent.parent;
  return (
    ts.isPropertyAssignment(parent) || (ts.isVariableDeclaration(parent) && /^[A-Z_\d]+$/.test(parent.name.getText()))
  );
}

function operatorChange({ operatorToken, right }: ts.BinaryExpression): readonly Change[] {
  const isText = ts.isStringLiteralLike(right) || ts.isTemplateExpression(right);
  const swapped = SWAPPED.get(operatorToken.kind);
  return swapped === undefined || (isText && operatorToken.kind === ts.SyntaxKind.PlusToken)
    ? []
    : [[operatorToken, swapped]];
}

function conditionChanges(condition: ts.Expression): readonly Change[] {
  return [
    [condition, "true"],
    [condition, "false"],
  ];
}

/** A call whose result nobody takes; without `super()` there would be no object. */
function statementChange(node: ts.ExpressionStatement): readonly Change[] {
  const call = ts.isAwaitExpression(node.expression) ? node.expression.expression : node.expression;
  const isCall = ts.isCallExpression(call) && call.expression.kind !== ts.SyntaxKind.SuperKeyword;
  return isCall ? [[node, ";"]] : [];
}

function twinChange({ name, parent }: ts.PropertyAccessExpression): readonly Change[] {
  const twin = ts.isCallExpression(parent) ? TWINS.get(name.text) : undefined;
  return twin === undefined ? [] : [[name, twin]];
}
