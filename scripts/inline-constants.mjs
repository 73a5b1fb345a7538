// Step of the build: writes numeric constants of dist/engine as literals.
//
// V8 loads a constant that a module exports from its module cell each time and checks it again, in
// the module itself as in those that import it. The engine's record layouts are such constants,
// used some hundred times a packet. docs/performance.md has the measured gain.
//
// And it bounds what a record's size is multiplied with. V8 knows nothing of a record's number but
// that it is an int32, so that it looks for overflow at each sum of its place and a field's:
//
//      skb * SK_WORDS + SK_LEN   ->   (skb & 0x3ffffff) * 24 + 3
//
// No table has so many records. A number that no record has still leads outside of the table.
import { dirname, resolve } from "node:path";
import ts from "typescript";
import { engineFiles, rewrite } from "./engine-files.mjs";

/** Sizes of records, as factors or shifts, with which a record's number becomes its place. */
const SIZES = new Set([
  ...["SK_WORDS", "FR_WORDS", "FR_TIMES", "NM_WORDS", "NM_STAMPS", "CQ_WORDS", "RQE_WORDS"],
  ...["SOCK_SHIFT", "WIDE", "HOLD_WORDS", "SOCK_WORDS"],
]);

/** Numeric value of a constant expression over literals and earlier constants, or undefined. */
function numberOf(node, known) {
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isParenthesizedExpression(node)) return numberOf(node.expression, known);
  if (ts.isIdentifier(node)) return known.get(node.text);
  if (ts.isPrefixUnaryExpression(node)) {
    const value = numberOf(node.operand, known);
    if (value === undefined) return undefined;
    if (node.operator === ts.SyntaxKind.MinusToken) return -value;
    return node.operator === ts.SyntaxKind.TildeToken ? ~value : undefined;
  }
  if (!ts.isBinaryExpression(node)) return undefined;
  const left = numberOf(node.left, known);
  const right = numberOf(node.right, known);
  if (left === undefined || right === undefined) return undefined;
  switch (node.operatorToken.kind) {
    case ts.SyntaxKind.PlusToken:
      return left + right;
    case ts.SyntaxKind.AsteriskToken:
      return left * right;
    case ts.SyntaxKind.BarToken:
      return left | right;
    case ts.SyntaxKind.LessThanLessThanToken:
      return left << right;
    default:
      return undefined;
  }
}

const files = new Map();
for (const file of engineFiles()) {
  files.set(file.path, { ...file, constants: new Map(), names: new Map(), spaces: new Map() });
}

/** The constants that a file's import specifier stands for. */
function importedFrom(path, specifier) {
  return files.get(resolve(dirname(path), specifier.text));
}

/** Notes what a file imports and declares; run until nothing new is known. */
function learn(path, file) {
  let found = 0;
  for (const statement of file.source.statements) {
    if (ts.isImportDeclaration(statement)) {
      const from = importedFrom(path, statement.moduleSpecifier);
      const bindings = statement.importClause?.namedBindings;
      if (from === undefined || bindings === undefined) continue;
      if (ts.isNamespaceImport(bindings)) file.spaces.set(bindings.name.text, from.constants);
      else {
        for (const { name, propertyName } of bindings.elements) {
          const value = from.constants.get((propertyName ?? name).text);
          if (value !== undefined) file.names.set(name.text, value);
        }
      }
    } else if (ts.isVariableStatement(statement)) {
      if (!(statement.declarationList.flags & ts.NodeFlags.Const)) continue;
      for (const { name, initializer } of statement.declarationList.declarations) {
        if (!ts.isIdentifier(name) || initializer === undefined) continue;
        const known = new Map([...file.names, ...file.constants]);
        const value = numberOf(initializer, known);
        if (value === undefined || file.constants.has(name.text)) continue;
        file.constants.set(name.text, value);
        found++;
      }
    }
  }
  return found;
}

for (let found = 1; found > 0; ) {
  found = 0;
  for (const [path, file] of files) found += learn(path, file);
}

/**
 * The largest number of a record, all bits set, whose place is an int32 with all its fields; 0 where
 * a node is no place of a record.
 */
function mostOf(node, file) {
  if (!ts.isBinaryExpression(node) || !ts.isIdentifier(node.right)) return 0;
  if (!SIZES.has(node.right.text) || ts.isNumericLiteral(node.left)) return 0;
  const size = file.names.get(node.right.text) ?? file.constants.get(node.right.text);
  const sign = node.operatorToken.kind;
  if (sign === ts.SyntaxKind.LessThanLessThanToken) return 2 ** (31 - size) - 1;
  return sign === ts.SyntaxKind.AsteriskToken ? 2 ** (31 - Math.ceil(Math.log2(size))) - 1 : 0;
}

function literal(value) {
  return value < 0 ? `(${value})` : `${value}`;
}

/** Collects the places where a literal takes a name's place, and where a bound comes in. */
function collect(node, file, edits) {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
  const isAccess = ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression);
  if (isAccess && file.spaces.has(node.expression.text)) {
    const value = file.spaces.get(node.expression.text).get(node.name.text);
    if (value !== undefined) edits.push([node.getStart(), node.getEnd(), literal(value)]);
    return;
  }
  if (ts.isIdentifier(node)) {
    const value = file.names.get(node.text) ?? file.constants.get(node.text);
    if (value === undefined) return;
    const { parent } = node;
    const isName =
      (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
      (ts.isPropertyAssignment(parent) && parent.name === node) ||
      (ts.isVariableDeclaration(parent) && parent.name === node) ||
      ts.isShorthandPropertyAssignment(parent);
    if (!isName) edits.push([node.getStart(), node.getEnd(), literal(value)]);
    return;
  }
  ts.forEachChild(node, (child) => collect(child, file, edits));
  const most = mostOf(node, file);
  if (most === 0) return;
  // Behind the edits within: of two at one place the later one comes out in front.
  edits.push([node.left.getStart(), node.left.getStart(), "("]);
  edits.push([node.left.getEnd(), node.left.getEnd(), ` & ${most})`]);
}

for (const file of files.values()) {
  const edits = [];
  collect(file.source, file, edits);
  rewrite(file, edits);
}
