import { dirname, join, normalize } from "node:path";
import ts from "typescript";

/** A file to check: its path from the project's root, and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** One broken rule: `path:line rule: what`. */
export type Finding = string;

/** The limits of the house. */
export const LIMITS = {
  columns: 100,
  functionLines: 70,
  fileLines: 400,
  commandLines: 120,
} as const;

function at(source: Source, line: number, what: string): Finding {
  return `${source.path}:${line} ${what}`;
}

function parse({ path, text }: Source): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

/** Every node of a file, parents first, by a stack instead of recursion. */
function allNodes(file: ts.SourceFile): ts.Node[] {
  const nodes: ts.Node[] = [];
  const stack: ts.Node[] = [file];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    nodes.push(node);
    const children: ts.Node[] = [];
    ts.forEachChild(node, (child) => {
      children.push(child);
    });
    stack.push(...children.reverse());
  }
  return nodes;
}

function lineOf(file: ts.SourceFile, position: number): number {
  return file.getLineAndCharacterOfPosition(position).line + 1;
}

/** Lines longer than 100 columns. */
export function longLines(source: Source): Finding[] {
  return source.text
    .split("\n")
    .flatMap((line, i) =>
      line.length > LIMITS.columns ? [at(source, i + 1, `columns: ${line.length}`)] : [],
    );
}

/** Files longer than 400 lines; command files longer than 120. */
export function longFiles(source: Source): Finding[] {
  const lines = source.text.trimEnd().split("\n").length;
  const limit = source.path.startsWith("src/commands/") ? LIMITS.commandLines : LIMITS.fileLines;
  return lines > limit ? [at(source, lines, `file-lines: more than ${limit}`)] : [];
}

/** Whether a function is the body of a test file's `describe`, which is a list, not a function. */
function isDescribeBody(node: ts.Node): boolean {
  const call = node.parent;
  return ts.isCallExpression(call) && call.expression.getText().startsWith("describe");
}

/** Functions longer than 70 lines, from their first word to the closing brace. */
export function longFunctions(source: Source): Finding[] {
  const file = parse(source);
  return allNodes(file).flatMap((node) => {
    if (!ts.isFunctionLike(node) || isDescribeBody(node)) return [];
    const first = lineOf(file, node.getStart());
    const lines = lineOf(file, node.getEnd()) - first + 1;
    return lines > LIMITS.functionLines ? [at(source, first, `function-lines: ${lines}`)] : [];
  });
}

/** What only a host has: time, chance, output, scheduling. */
const HOST_NAMES = new Set(
  (
    "Date performance process console globalThis crypto setTimeout setInterval setImmediate " +
    "queueMicrotask require"
  ).split(" "),
);

function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    ((ts.isPropertyAssignment(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isPropertySignature(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isMethodSignature(parent)) &&
      parent.name === node)
  );
}

/** Host time, chance and output under `src/engine`, but for `engine/backend`. */
export function impureEngine(source: Source): Finding[] {
  if (!/^src\/engine\/(?!backend\/)/.test(source.path)) return [];
  const file = parse(source);
  return allNodes(file).flatMap((node) => {
    const line = lineOf(file, node.getStart());
    if (ts.isIdentifier(node) && HOST_NAMES.has(node.text) && !isMemberName(node)) {
      return [at(source, line, `engine-purity: ${node.text}`)];
    }
    const isRandom = ts.isPropertyAccessExpression(node) && node.getText() === "Math.random";
    return isRandom ? [at(source, line, "engine-purity: Math.random")] : [];
  });
}

/** Characters beyond ASCII; what is meant is written as an escape. */
export function beyondAscii(source: Source): Finding[] {
  return source.text.split("\n").flatMap((line, i) => {
    const odd = [...line].find((c) => c.charCodeAt(0) > 0x7e || (c < " " && c !== "\t"));
    return odd === undefined
      ? []
      : [at(source, i + 1, `ascii: U+${odd.codePointAt(0)?.toString(16).padStart(4, "0")}`)];
  });
}

/** Words that say "later": put together here so that this file does not hold them. */
const REMINDERS = new RegExp(
  `\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"].join("|")})\\b`,
);

/** Leftover reminders. */
export function reminders(source: Source): Finding[] {
  return source.text.split("\n").flatMap((line, i) => {
    const word = REMINDERS.exec(line)?.[0];
    return word === undefined ? [] : [at(source, i + 1, `reminder: ${word}`)];
  });
}

function nameOf(statement: ts.Statement): string {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map((d) => d.name.getText()).join(", ");
  }
  return (statement as ts.DeclarationStatement).name?.getText() ?? "default";
}

function isExported(statement: ts.Statement): boolean {
  if (!ts.canHaveModifiers(statement)) return false;
  const modifiers = ts.getModifiers(statement) ?? [];
  return modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword);
}

/**
 * Whether a statement shares the docstring of the one before it: the signatures of an overloaded
 * function, and one-line constants and types in a block without blank lines (a list of numbers, a
 * list and the type of its members).
 */
function sharesDocstring(file: ts.SourceFile, before: ts.Statement, statement: ts.Statement) {
  if (ts.isFunctionDeclaration(statement) && ts.isFunctionDeclaration(before)) {
    return nameOf(before) === nameOf(statement);
  }
  const isPlain = (each: ts.Statement) =>
    ts.isVariableStatement(each) || ts.isTypeAliasDeclaration(each);
  const first = lineOf(file, statement.getStart());
  const isNext = first === lineOf(file, before.getEnd()) + 1;
  const isShort = first === lineOf(file, statement.getEnd());
  return isPlain(statement) && isPlain(before) && isNext && isShort;
}

/** Exported declarations of `src` without a docstring, their own or their block's. */
export function undocumented(source: Source): Finding[] {
  if (!source.path.startsWith("src/")) return [];
  const file = parse(source);
  const documented = new Set<ts.Statement>();
  return file.statements.flatMap((statement, i) => {
    const before = file.statements[i - 1];
    const own = ts.getJSDocCommentsAndTags(statement).length > 0;
    const shared =
      before !== undefined && documented.has(before) && sharesDocstring(file, before, statement);
    if (own || shared) documented.add(statement);
    if (own || shared || !isExported(statement)) return [];
    const line = lineOf(file, statement.getStart());
    return [at(source, line, `docstring: ${nameOf(statement)}`)];
  });
}

/** Names of this project's workshop that no file may hold, in pieces for the same reason. */
const FORBIDDEN = ["/wo" + "rk/", ".lib" + "rary", "registry.npm" + "js"];

/** Mentions of the place where the files were written. */
export function forbiddenWords(source: Source): Finding[] {
  return source.text.split("\n").flatMap((line, i) => {
    const word = FORBIDDEN.find((each) => line.includes(each));
    return word === undefined ? [] : [at(source, i + 1, `forbidden-word: ${word}`)];
  });
}

/** Relative specifiers of imports, re-exports, `import()` and `new URL(..., import.meta.url)`. */
function relativeSpecifiers(source: Source): string[] {
  return allNodes(parse(source)).flatMap((node) => {
    if (!ts.isStringLiteral(node) || !node.text.startsWith(".")) return [];
    const { parent } = node;
    const names =
      ts.isImportDeclaration(parent) ||
      ts.isExportDeclaration(parent) ||
      ts.isNewExpression(parent) ||
      ts.isLiteralTypeNode(parent) ||
      (ts.isCallExpression(parent) && parent.expression.kind === ts.SyntaxKind.ImportKeyword);
    return names ? [node.text] : [];
  });
}

/** The source file behind a specifier: `.js` stands for `.ts`, `dist` for `src`. */
function target(from: string, specifier: string, known: ReadonlySet<string>): string | undefined {
  const path = normalize(join(dirname(from), specifier)).replace(/^dist\//, "src/");
  return [path, path.replace(/\.js$/, ".ts"), path.replace(/\.js$/, ".d.ts")].find((each) =>
    known.has(each),
  );
}

/**
 * Files of `src`, `bench`, `fixtures` and `test/support` that no entry reaches.
 *
 * @param sources every code file of the project.
 * @param entries which paths are entered from outside: commands, bin, bench, tests, scripts.
 */
export function deadFiles(
  sources: readonly Source[],
  entries: (path: string) => boolean,
): Finding[] {
  const known = new Set(sources.map((source) => source.path));
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set(sources.map((source) => source.path).filter(entries));
  // A set that grows while it is walked is a queue.
  for (const path of reached) {
    for (const specifier of relativeSpecifiers(byPath.get(path)!)) {
      const found = target(path, specifier, known);
      if (found !== undefined) reached.add(found);
    }
  }
  // Declarations of what the language library lacks are taken in by the compiler, not imported.
  return sources
    .filter((source) => !reached.has(source.path) && !source.path.endsWith(".d.ts"))
    .map((source) => at(source, 1, "dead-file: nothing imports it"));
}

/** The rules that look at one file. */
export const FILE_RULES = [
  longLines,
  longFiles,
  longFunctions,
  impureEngine,
  beyondAscii,
  reminders,
  undocumented,
  forbiddenWords,
] as const;
