// Step of the build, behind inline-constants.mjs: gives the classes of dist/engine plain fields.
//
// A class body that names a field without a value (`#slab;`) sets it to undefined before the
// constructor sets it. V8 then takes the field for one of anything: each load of an object is
// followed by a check of its shape, each load of a number by a question of what kind it is. So the
// bare declarations go, and with them the `#` of private names, which cannot be set undeclared:
//
//      class Gro { #slab; #total = 0; }      class Gro { _Gro_total = 0; }
//      this.#slab = deps.slab           ->   this._Gro_slab = deps.slab
//
// tsc has checked by then that nobody outside of a class uses its private names.
// docs/performance.md has the measured gain.
import ts from "typescript";
import { engineFiles, rewrite } from "./engine-files.mjs";

/** Whether a node declares a field of instances and gives it no value. */
function isBare(node) {
  return (
    ts.isPropertyDeclaration(node) && node.initializer === undefined && !node.modifiers?.length
  );
}

/** Collects the bare declarations below a node, and its private names; `of`: the class around. */
function collect(node, of, edits) {
  if (isBare(node)) {
    edits.push([node.getStart(), node.getEnd(), ""]);
    return;
  }
  if (ts.isPrivateIdentifier(node)) {
    edits.push([node.getStart(), node.getEnd(), `_${of}_${node.text.slice(1)}`]);
    return;
  }
  const inside = ts.isClassLike(node) ? node.name.text : of;
  ts.forEachChild(node, (child) => collect(child, inside, edits));
}

for (const file of engineFiles()) {
  const edits = [];
  collect(file.source, "", edits);
  rewrite(file, edits);
}
