import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { OWNERS as ENGINE_OWNERS } from "../../../src/engine/netmem/state.js";
import { STAGES as ENGINE_STAGES } from "../../../src/engine/probe/stages.js";
import { jsonSchema } from "../../../src/replay/record/json-schema.js";
import { OWNERS, POOL_STATS, STAGES } from "../../../src/replay/record/names.js";

const CONTRACT = new URL("../../../../shared/RECORD.md", import.meta.url);

interface Node {
  properties?: Record<string, Node>;
  items?: Node;
  anyOf?: Node[];
}

/** The schema's property paths: `runs[].pool.hold`; what may be null counts as what it may be. */
function pathsOf(node: Node, at: string, found: Set<string>): Set<string> {
  const pending: Array<[Node, string]> = [[node, at]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [here, path] = next;
    for (const branch of here.anyOf ?? []) pending.push([branch, path]);
    if (here.items !== undefined) pending.push([here.items, `${path}[]`]);
    for (const [name, child] of Object.entries(here.properties ?? {})) {
      const below = path === "" ? name : `${path}.${name}`;
      found.add(below).add(`${below}${child.items === undefined ? "" : "[]"}`);
      pending.push([child, below]);
    }
  }
  return found;
}

/** `a.{b,c}` as `a.b` and `a.c`; `<stage>` as every stage. */
function expand(token: string): string[] {
  const braces = /^(.*)\{([^}]*)\}(.*)$/.exec(token);
  const each = braces === null ? [token] : braces[2]!.split(",").map((x) => `${braces[1]}${x}`);
  return each.flatMap((path) =>
    path.includes("<stage>") ? STAGES.map((stage) => path.replace("<stage>", stage)) : [path],
  );
}

/** Paths that the contract's section on the record names, in the line's own order. */
function contractPaths(): string[] {
  const text = readFileSync(CONTRACT, "utf8");
  const section = text.slice(text.indexOf("## The record"), text.indexOf("## Exit codes"));
  const lines = section.split("\n").filter((line) => line.startsWith("- `"));
  const tokens = lines
    .filter((line) => !line.includes("npm run"))
    .flatMap((line) => [
      ...line.split(/[:;]/)[0]!.matchAll(/`([^`]+)`/g),
      ...line.matchAll(/`((?:runs\[\]|capture)\.[^`]+)`/g),
    ])
    .map((match) => match[1]!);
  return [...new Set(tokens.flatMap(expand))];
}

describe.runIf(existsSync(CONTRACT))("the record's schema against the contract", () => {
  const paths = pathsOf(jsonSchema("record") as Node, "", new Set());

  it("has every name of the contract", () => {
    const wanted = contractPaths();
    expect(wanted.length).toBeGreaterThan(90);
    expect(wanted.filter((path) => !paths.has(path))).toEqual([]);
  });

  it("adds only what this list knows", () => {
    const wanted = new Set(contractPaths());
    const isNamed = (path: string) =>
      wanted.has(path) || wanted.has(`${path}[]`) || [...wanted].some((name) => below(name, path));
    const below = (name: string, path: string) =>
      name.startsWith(`${path}.`) || name.startsWith(`${path}[]`);
    const added = [...paths].filter(
      (path) =>
        !isNamed(path) &&
        !/^config\.|\.(hdr|headerPool|byOwner|netmems\[\])\.|\.host\.(poll|packet)\./.test(path) &&
        !/\.(owners|intervals)\b.|\.host\.machine\.|\.native\./.test(path),
    );
    expect(added.filter((path) => !path.endsWith("[]")).sort()).toEqual([
      "capture.badChecksums",
      "capture.clampedTimestamps",
      "guest",
      "guest.accelerator",
      "guest.nmsim",
      "guest.pinned",
      "guest.release",
      "guest.sha256",
      "guest.version",
      "runs[].faults",
      "runs[].faults[].atNs",
      "runs[].faults[].effect",
      "runs[].faults[].fault",
      "runs[].faults[].packet",
      "runs[].headerPool",
      "runs[].host.flowsPerSecond",
      "runs[].host.intervals",
      "runs[].host.machine",
      "runs[].host.packet",
      "runs[].host.poll",
      "runs[].intervals",
      "runs[].native",
      "runs[].owners",
      "runs[].sockets",
      "runs[].sockets.midStream",
      "runs[].sockets.oneSided",
      "runs[].sockets.opened",
      "runs[].violation",
      "runs[].violation.history",
      "runs[].violation.invariant",
      "runs[].violation.lastTransition",
      "runs[].violation.message",
      "runs[].violation.netmem",
      "runs[].violation.owner",
      "warnings[].code",
      "warnings[].message",
    ]);
  });
});

describe("names that the engine has too", () => {
  it("are the same, in the same order", () => {
    expect(STAGES).toEqual(ENGINE_STAGES);
    expect(OWNERS).toEqual(ENGINE_OWNERS);
    expect(POOL_STATS).toHaveLength(11);
  });
});
