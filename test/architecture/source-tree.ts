import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import ts from "typescript";

/** One reference from a source file to another module. */
export interface ModuleImport {
  /** As written, for example `../core/bytes.js`. */
  readonly specifier: string;
  /** A path below `src` ending in `.ts` for a relative import; undefined for a package or a Node module. */
  readonly target: string | undefined;
  /** True for `import()` and for `new URL("./worker.js", import.meta.url)`, which load nothing until they run. */
  readonly lazy: boolean;
}

/** One TypeScript file; `path` is relative to the root of the tree, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly lineCount: number;
  readonly imports: readonly ModuleImport[];
}

/** Reads every `.ts` file below `root`, sorted by path. */
export function readSourceTree(root: string): readonly SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .map((path) => parseSourceFile(path, readFileSync(join(root, path), "utf8")));
}

/** Reads the viewer's files, with paths as if its folder were in `src`; those of components end in `.ts` like the others. */
export function readViewer(root: string): readonly SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path) && !path.startsWith("generated"))
    .sort()
    .map((path) => {
      const file = parseSourceFile(`viewer/${path}`, readFileSync(join(root, path), "utf8"));
      const imports = file.imports.map((one) => ({ ...one, target: one.target?.replace(/^src\//, "") }));
      return { ...file, imports, path: file.path.replace(/\.tsx$/, ".ts") };
    });
}

/** Parses the text of one file; `path` decides what its relative imports mean. */
export function parseSourceFile(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022);
  const imports: ModuleImport[] = [];
  const visit = (node: ts.Node): void => {
    const found = importOf(node);
    if (found !== undefined) imports.push({ ...found, target: resolve(path, found.specifier) });
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return { path, lineCount: text.split("\n").length - 1, imports };
}

type FoundImport = Pick<ModuleImport, "specifier" | "lazy">;

function importOf(node: ts.Node): FoundImport | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literal(node.moduleSpecifier, false);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return literal(node.argument.literal, false);
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return literal(node.arguments[0], true);
  }
  if (ts.isNewExpression(node) && isModuleUrl(node)) return literal(node.arguments?.[0], true);
  return undefined;
}

function isModuleUrl(node: ts.NewExpression): boolean {
  const path = node.arguments?.[0];
  const names = ts.isIdentifier(node.expression) && node.expression.text === "URL";
  return names && path !== undefined && ts.isStringLiteral(path) && path.text.endsWith(".js");
}

function literal(node: ts.Node | undefined, lazy: boolean): FoundImport | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? { specifier: node.text, lazy } : undefined;
}

function resolve(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, ".ts");
}
