// Turns a module that esbuild put together into a piece: the text of a function that src/start
// compiles as a script, since Node takes no kept code for modules.
//
//   import{a as b}from"./x.js"      const{a:b}=__load("chunks/x.js")
//   import p from"node:path"        const p=require("node:path")
//   import("./y.js"), import(url)   __lazily("chunks/y.js"), __import(url)
//   export{c as d}                  return{d:c}
//
// What is imported statically is read once, so it must be final when its piece ends; what a function
// assigns later (a lazy CommonJS module within a chunk) may only be imported by import().
import { posix } from "node:path";
import ts from "typescript";

const HEAD = '(function(__load,__lazily,require,__import,__dist){"use strict";';
const TAIL = "})";

/** The text of the piece `name` (its path below dist) for the text of its module. */
export function pieceOf(name, text) {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.ES2023, true);
  const folder = posix.dirname(name);
  const resolve = (specifier) => posix.join(folder, specifier);
  const edits = [];
  const exported = new Map();
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      edits.push([statement.getStart(), statement.end, importOf(statement, resolve)]);
    } else if (ts.isExportDeclaration(statement)) {
      for (const { name: outer, propertyName } of statement.exportClause.elements) {
        exported.set(outer.text, (propertyName ?? outer).text);
      }
      edits.push([statement.getStart(), statement.end, ""]);
    } else if (ts.isExportAssignment(statement) || statement.modifiers?.some(isExport)) {
      throw new Error(`${name}: only export lists are known, not ${statement.getText()}`);
    }
  }
  const visit = (node) => {
    if (ts.isMetaProperty(node)) throw new Error(`${name}: import.meta has no meaning in a piece`);
    if (isDynamicImport(node)) edits.push(dynamicImport(node, resolve));
    ts.forEachChild(node, visit);
  };
  visit(source);
  let body = text;
  for (const [start, end, by] of edits.sort((a, b) => b[0] - a[0])) {
    body = `${body.slice(0, start)}${by}${body.slice(end)}`;
  }
  const moving = assignedOf(source, new Set(exported.values()));
  const list = [...exported].map(([outer, inner]) =>
    moving.has(inner)
      ? `get ${JSON.stringify(outer)}(){return ${inner}}`
      : `${JSON.stringify(outer)}:${inner}`,
  );
  const piece = `${HEAD}${body}\nreturn{${list}}${TAIL}`;
  // Regular expressions have what is beyond ASCII as it is; pieces are read as a byte a character.
  return piece.replace(
    /[^\0-\x7f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function importOf({ importClause, moduleSpecifier }, resolve) {
  const from = moduleSpecifier.text;
  const own = from.startsWith(".");
  const call = own
    ? `__load(${JSON.stringify(resolve(from))})`
    : `require(${JSON.stringify(from)})`;
  if (importClause === undefined) return `${call};`;
  const parts = [];
  const { name, namedBindings } = importClause;
  if (name !== undefined) parts.push(own ? `{default:${name.text}}` : name.text);
  if (namedBindings !== undefined && ts.isNamespaceImport(namedBindings)) {
    parts.push(namedBindings.name.text);
  } else if (namedBindings !== undefined) {
    const names = namedBindings.elements.map(({ name: inner, propertyName }) =>
      propertyName === undefined
        ? inner.text
        : `${JSON.stringify(propertyName.text)}:${inner.text}`,
    );
    parts.push(`{${names}}`);
  }
  return parts.map((part) => `const ${part}=${call};`).join("");
}

function isExport({ kind }) {
  return kind === ts.SyntaxKind.ExportKeyword;
}

function isDynamicImport(node) {
  return ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
}

function dynamicImport({ expression, arguments: [what] }, resolve) {
  const own = ts.isStringLiteral(what) && what.text.startsWith(".");
  if (!own) return [expression.getStart(), expression.end, "__import"];
  return [expression.getStart(), what.end, `__lazily(${JSON.stringify(resolve(what.text))}`];
}

/** Those of `exported` that a function assigns: their value is not final when the piece ends. */
function assignedOf(source, exported) {
  const found = new Set();
  const visit = (node, inFunction) => {
    const assigns = ts.isBinaryExpression(node) && ts.isAssignmentOperator(node.operatorToken.kind);
    if (inFunction && assigns && exported.has(node.left.text)) found.add(node.left.text);
    ts.forEachChild(node, (child) => visit(child, inFunction || ts.isFunctionLike(node)));
  };
  visit(source, false);
  return found;
}
