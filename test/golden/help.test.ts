import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ERROR_CODES, EXIT_MEANING } from "../../src/replay/error.js";
import { FLAG_NAMES, FLAGS } from "../../src/replay/plan/flags.js";
import { ROOT, runCli, runShell } from "./run-cli.js";

const COMMANDS = [
  "replay",
  "report",
  "schema",
  "exit-codes",
  "compare",
  "gate",
  "merge",
  "explore",
  "conform",
  "doctor",
  "trace",
  "size",
];
/** Its examples need this machine's kernel; test/native/parity.test.ts runs them. */
const NATIVE = ["parity"];
/** Commands of topics, which the overview lists by topic alone. */
const NESTED = ["baseline save", "baseline list", "baseline show", "baseline rm"];

const folder = mkdtempSync(join(tmpdir(), "netmem-help-"));
copyFileSync(join(ROOT, "fixtures/edge/segment_lengths.pcap"), join(folder, "capture.pcap"));
copyFileSync(join(ROOT, "fixtures/providers/huge-page.mjs"), join(folder, "my-provider.mjs"));

runCli(["replay", join(folder, "capture.pcap"), "-q", "--export", `json=${folder}/record.json`]);

afterAll(() => rmSync(folder, { recursive: true }));

/** Text without line breaks and runs of blanks, as the help's wrapping leaves it. */
function flat(text: string): string {
  return text.replace(/\s+/g, " ");
}

/** The command lines under EXAMPLES, continued lines joined. */
function examplesOf(help: string): string[] {
  const section = help.slice(help.indexOf("EXAMPLES")).replace(/ \\\n\s*/g, " ");
  return [...section.matchAll(/^\s*\$ (netmem .*)$/gm)].map((match) => match[1]!);
}

describe("the help", () => {
  it("lists the commands and nothing else", () => {
    const { stdout, code } = runCli(["--help"]);
    const section = stdout.slice(stdout.indexOf("COMMANDS"));
    const listed = [...section.matchAll(/^ {2}([a-z-]+(?: [a-z-]+)?) {2}/gm)].map((m) => m[1]);
    expect(listed.sort()).toEqual([...COMMANDS, ...NATIVE, "help"].sort());
    expect(code).toBe(0);
  });

  it.each([...COMMANDS, ...NESTED])("of %s has examples that run", (command) => {
    const examples = examplesOf(runCli([...command.split(" "), "--help"]).stdout);
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const example of examples) {
      const { code, stderr } = runShell(`cd '${folder}' && ${example}`);
      expect({ example, code, stderr }).toEqual({ example, code: 0, stderr: "" });
    }
  });

  it("of replay states every flag with its default", () => {
    const help = flat(runCli(["replay", "--help"]).stdout);
    for (const name of FLAG_NAMES) {
      const { value, fallback } = FLAGS[name];
      expect(help).toContain(value === "" ? `--[no-]${name} ` : `--${name}=${value}`);
      if (value !== "" && fallback !== null) expect(help).toContain(`[default: ${fallback}]`);
    }
  });

  it("of exit-codes is the table of codes, which the command prints too", () => {
    const help = flat(runCli(["help", "exit-codes"]).stdout);
    const printed = flat(runCli(["exit-codes"]).stdout);
    for (const text of [help, printed]) {
      for (const [code, meaning] of EXIT_MEANING) expect(text).toContain(`${code} ${meaning}`);
      for (const [name, code] of Object.entries(ERROR_CODES))
        expect(text).toContain(`${code} ${name}`);
    }
  });
});
