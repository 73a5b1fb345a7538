import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { recordSchema } from "../../src/replay/record/schema.js";
import { runCli } from "./run-cli.js";

const folder = mkdtempSync(join(tmpdir(), "netmem-golden-"));
const text = join(folder, "notes.txt");
writeFileSync(text, "not a capture at all, but long enough to have a header\n");

afterAll(() => rmSync(folder, { recursive: true }));

const GOOD = "fixtures/edge/segment_lengths.pcap";
const CUT = "fixtures/edge/cut_record.pcap";

describe("the program leaves with", () => {
  it.each([
    [0, "a sane capture", [GOOD]],
    [5, "a capture that was cut", [CUT]],
  ])("%d for %s, and a record under --json", (code, _, captures) => {
    expect(runCli(["replay", ...captures])).toMatchObject({ code, stderr: "" });
    const { stdout, code: jsonCode } = runCli(["replay", ...captures, "--json"]);
    expect(recordSchema.safeParse(JSON.parse(stdout)).error).toBeUndefined();
    expect(jsonCode).toBe(code);
  });

  it.each([
    [5, "a file that is no capture", ["replay", text], /^NETMEM_CAPTURE_/],
    [5, "a file that is missing", ["replay", "missing.pcap"], "NETMEM_CAPTURE_MISSING"],
    [2, "a flag that does not exist", ["replay", GOOD, "--nope"], "NETMEM_USAGE"],
    [2, "a value that cannot be", ["replay", GOOD, "--ring", "1000"], "NETMEM_USAGE"],
    [2, "no capture", ["replay"], "NETMEM_USAGE"],
    [2, "zcrx on a kernel without it", ["replay", GOOD, "--kernel", "6.12"], "NETMEM_USAGE"],
    [2, "a schema that is none", ["schema", "nope"], "NETMEM_USAGE"],
    [4, "a backend that is absent", ["replay", GOOD, "--backend", "kernel-zcrx"], /UNAVAILABLE/],
  ])("%d for %s, with one JSON document under --json", (code, _, args, errorCode) => {
    const plain = runCli(args);
    expect(plain).toMatchObject({ code, stdout: "" });
    expect(plain.stderr).toMatch(/^netmem: .*\nTry: .*\n$/s);
    const { stdout, code: jsonCode } = runCli([...args, "--json"]);
    const { error } = JSON.parse(stdout) as { error: { code: string; exitCode: number } };
    expect(error.code).toMatch(errorCode);
    expect([error.exitCode, jsonCode]).toEqual([code, code]);
  });

  it("2 for a command that does not exist", () => {
    expect(runCli(["reply"])).toMatchObject({ code: 2, stdout: "" });
  });
});
