import { rmSync, writeFileSync } from "node:fs";
import type { Prng } from "../../src/engine/clock/prng.js";
import { environmentTwin, FLAG_NAMES, FLAGS } from "../../src/replay/plan/flags.js";
import { resolveConfig } from "../../src/replay/plan/resolve.js";
import { between, oneIn, pick } from "./packet.js";

/** Values that some flag takes, and values that none should. */
const VALUES = [
  "page",
  "devmem,zcrx",
  "zcrx,zcrx",
  "all",
  "none",
  "on",
  "off",
  "true",
  "false",
  "1",
  "0",
  "-1",
  "1e3",
  "0x10",
  "007",
  "4096",
  "65535",
  "4294967295",
  "4294967296",
  "9007199254740993",
  "1.5",
  "NaN",
  "Infinity",
  "",
  " ",
  "4KiB",
  "1GiB",
  "2MiB",
  "-4KiB",
  "1.5MiB",
  "4KB",
  "9e99GiB",
  "1ns",
  "5s",
  "100h",
  "0s",
  "fail=2",
  "fail=0",
  "fail=99999999999",
  "rfc-v6",
  "6.12",
  "7.3",
  "capture",
  "auto",
  "memory",
  "af-xdp",
  "fbnic",
  "gve",
  "json=/nonexistent/x",
  "json=",
  "=",
  "port 80",
  "src host 10.0.0.1 and dst port 443",
  "host ::1 or port 1,port 2",
  "port port port",
  "host 1.2.3",
  "and",
  "\u0000",
  "../../etc/passwd",
  "%s%n",
  "\u202e",
  "trace",
  "verify",
  "default",
  "__proto__",
  "constructor",
  "toString",
] as const;

/** Lines of configuration files, right and wrong; several make a file. */
const LINES = [
  "ring: 64",
  "provider: [page, devmem]",
  "hold: 1ms",
  "area: 1MiB",
  "unknown: 1",
  "ring: [[1]]",
  "ring: {a: b}",
  "? [a]\n: b",
  "__proto__: 1",
  "constructor: 2",
  "toString: x",
  "- a",
  "a",
  "{}",
  "[]",
  "ring: !!binary aaaa",
  "ring: !!js/function x",
  "%YAML 9.9",
  "---",
  "...",
  "\t- x",
  "a: &a [x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: &d [*c, *c, *c]\nring: [*d, *d]",
  "ring: &r 64\nbatch: *r",
  "ring: *missing",
  "<<: {ring: 64}",
  "x: &x\n  y: *x",
  "ring: 64\nring: 32",
  "ring: |\n  64",
  "ring: '64",
  '"ring": 64',
  "# only a comment",
  "\ufeffring: 64",
  "ring: 0o100",
  "ring: 1e400",
  "ring: .nan",
  "ring: ~",
  "ring:",
  "json: yes",
  "limit: none",
  "cost: /nonexistent",
  "config: x",
  '{"ring": 64,}',
  '{"ring": "64", "__proto__": {"batch": 2}}',
  "ring: 2026-01-01",
] as const;

function someText(prng: Prng): string {
  const text = pick(prng, VALUES);
  if (!oneIn(prng, 4)) return text;
  const at = prng.below(text.length + 1);
  const letter = String.fromCharCode(oneIn(prng, 3) ? prng.below(65536) : between(prng, 32, 126));
  return text.slice(0, at) + letter + text.slice(at + prng.below(2));
}

/** Flags, environment and file of one try. */
export interface Settings {
  readonly flags: Record<string, string | boolean>;
  readonly environment: Record<string, string>;
  /** Text of the configuration file; null for none. */
  readonly file: string | null;
}

/** Draws settings of every kind, most of them wrong somewhere. */
export function drawSettings(prng: Prng): Settings {
  const flags: Settings["flags"] = {};
  const environment: Settings["environment"] = {};
  const names = FLAG_NAMES.filter((name) => name !== "config");
  for (let n = prng.below(4); n > 0; n--) {
    const name = pick(prng, names);
    const isSwitch = (FLAGS[name] as { value: string }).value === "";
    const sane = FLAGS[name].fallback;
    flags[name] = isSwitch ? oneIn(prng, 2) : oneIn(prng, 3) && sane ? sane : someText(prng);
  }
  for (let n = prng.below(3); n > 0; n--) {
    environment[environmentTwin(pick(prng, names))] = someText(prng);
  }
  if (oneIn(prng, 40)) environment.NETMEM_UNKNOWN = "1";
  return { flags, environment, file: oneIn(prng, 2) ? configText(prng) : null };
}

function configText(prng: Prng): string {
  const lines: string[] = [];
  for (let n = prng.below(5); n > 0; n--) {
    lines.push(oneIn(prng, 3) ? `${pick(prng, FLAG_NAMES)}: ${someText(prng)}` : pick(prng, LINES));
  }
  const text = lines.join("\n");
  if (!oneIn(prng, 4) || text === "") return text;
  const at = prng.below(text.length);
  return text.slice(0, at) + String.fromCharCode(prng.below(256)) + text.slice(at + prng.below(3));
}

/**
 * Resolves settings as the command does; `file` is the path that a configuration file may take.
 *
 * @throws NetmemError for settings that cannot be; anything else is a finding.
 */
export async function trySettings(settings: Settings, file: string): Promise<void> {
  const { flags, environment } = settings;
  if (settings.file !== null) writeFileSync(file, settings.file);
  try {
    const config = settings.file === null ? {} : { config: file };
    await resolveConfig({ flags: { ...flags, ...config }, environment, cwd: "/" });
  } finally {
    rmSync(file, { force: true });
  }
}
