import { isIPv4, isIPv6 } from "node:net";
import type { SteerRule } from "../../engine/driver/steering.js";
import { NetmemError } from "../error.js";

const GRAMMAR =
  "all, none, or rules such as 'dst port 443', 'host 10.0.0.1 and port 80', 'port 80 or port 443'";

/** Writable while it is being built. */
type Draft = { -readonly [K in keyof SteerRule]: SteerRule[K] };

/**
 * Parses `--steer`: `all`, `none`, or rules joined by `or` (or a comma), each a conjunction of
 * `[src|dst] port N` and `[src|dst] host ADDRESS`: what an ntuple filter can say.
 *
 * @throws NetmemError NETMEM_USAGE for anything else.
 */
export function parseSteer(text: string): "all" | "none" | SteerRule[] {
  const trimmed = text.trim();
  if (trimmed === "all" || trimmed === "none") return trimmed;
  return trimmed.split(/\s+or\s+|\s*,\s*/).map(parseRule);
}

function parseRule(text: string): SteerRule {
  const rule: Draft = {};
  for (const term of text.trim().split(/\s+and\s+/)) addTerm(rule, term.split(/\s+/), text);
  return rule;
}

function addTerm(rule: Draft, words: readonly string[], text: string): void {
  const side = words[0] === "src" || words[0] === "dst" ? words[0] : "";
  const [noun, value, ...rest] = side === "" ? words : words.slice(1);
  if (value === undefined || rest.length > 0) throw unknown(text);
  if (noun === "port") {
    const port = Number(value);
    if (!/^[0-9]+$/.test(value) || port > 65535) throw unknown(text);
    rule[side === "src" ? "sport" : side === "dst" ? "dport" : "port"] = port;
  } else if (noun === "host") {
    rule[side === "src" ? "saddr" : side === "dst" ? "daddr" : "addr"] = addressBytes(value, text);
  } else throw unknown(text);
}

function unknown(text: string): NetmemError {
  return new NetmemError("NETMEM_USAGE", `--steer cannot read '${text}'`, `Use ${GRAMMAR}.`);
}

/** The 4 or 16 bytes of an address. */
function addressBytes(value: string, text: string): Uint8Array {
  if (isIPv4(value)) return Uint8Array.from(value.split(".").map(Number));
  if (!isIPv6(value) || value.includes("%")) throw unknown(text);
  const v4 = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(value);
  const hex = (high: string | undefined, low: string | undefined) =>
    (Number(high) * 256 + Number(low)).toString(16);
  const plain = v4 === null ? value : `${v4[1]}${hex(v4[2], v4[3])}:${hex(v4[4], v4[5])}`;
  const [left = "", right] = plain.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const zeros = right === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...tail];
  return Uint8Array.from(
    groups.flatMap((group) => {
      const number = Number.parseInt(group, 16);
      return [number >> 8, number & 255];
    }),
  );
}
