import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { captureOutput } from "@oclif/test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import Replay from "../../src/commands/replay.js";
import { NetmemError } from "../../src/replay/error.js";
import type { RunReplay } from "../../src/replay/run/contract.js";
import { captureOf, recordOf } from "../report/sample-record.js";

const runReplay = vi.hoisted(() => vi.fn<RunReplay>());
vi.mock("../../src/replay/run/run-replay.js", () => ({ runReplay }));

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "netmem-command-"));
  vi.spyOn(process, "cwd").mockReturnValue(folder);
  runReplay.mockReset();
  runReplay.mockResolvedValue({ document: recordOf(), exitCode: 0 });
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
  await rm(folder, { recursive: true });
});

/** Runs the command as oclif would, with its output caught. */
async function replay(...argv: string[]) {
  const { stdout, stderr } = await captureOutput(() => Replay.run(argv, import.meta.url));
  return { stdout, stderr, exitCode: process.exitCode };
}

describe("the replay command", () => {
  it("gives settings and captures to the run, and prints its table", async () => {
    const { stdout, exitCode } = await replay(
      "a.pcap",
      "--ring",
      "64",
      "-p",
      "page,zcrx",
      "b.pcap",
    );
    const [config, paths] = runReplay.mock.calls[0]!;
    expect(config).toMatchObject({ ring: 64, provider: ["page", "zcrx"] });
    expect(paths).toEqual(["a.pcap", "b.pcap"]);
    expect(stdout).toContain("fixtures/sample.pcap  pcap, Ethernet");
    expect(exitCode).toBe(0);
  });

  it("does not let a repeated flag eat the capture behind it", async () => {
    await replay("--provider", "page", "--provider", "devmem", "a.pcap");
    const [config, paths] = runReplay.mock.calls[0]!;
    expect(config.provider).toEqual(["page", "devmem"]);
    expect(paths).toEqual(["a.pcap"]);
  });

  it("takes standard input as a capture", async () => {
    await replay("-");
    expect(runReplay.mock.calls[0]![1]).toEqual(["-"]);
  });

  it.each([5, 7])("leaves with %d and still prints one document under --json", async (code) => {
    runReplay.mockResolvedValue({ document: recordOf(), exitCode: code });
    const { stdout, exitCode } = await replay("a.pcap", "--json");
    expect(JSON.parse(stdout)).toEqual(recordOf());
    expect(exitCode).toBe(code);
  });

  it("prints JSON when the environment asks for it, unless a flag says no", async () => {
    vi.stubEnv("NETMEM_JSON", "1");
    expect(JSON.parse((await replay("a.pcap")).stdout)).toMatchObject({
      schema: "netmem.record/1",
    });
    expect((await replay("a.pcap", "--no-json")).stdout).toContain("latency");
  });

  it.each([
    ["a flag that does not exist", ["a.pcap", "--ringg", "64"], "Did you mean --ring?"],
    ["a missing capture", [], "netmem --help"],
    ["a value that cannot be", ["a.pcap", "--ring", "3"], "netmem replay --help"],
  ])("leaves with 2 for %s, with and without --json", async (_, argv, suggestion) => {
    const plain = await replay(...argv);
    expect(plain).toMatchObject({ stdout: "", exitCode: 2 });
    expect(plain.stderr).toContain(suggestion);
    expect(plain.stderr).not.toContain("    at ");
    const { stdout, exitCode } = await replay(...argv, "--json");
    const error = expect.objectContaining({ code: "NETMEM_USAGE", exitCode: 2 });
    expect(JSON.parse(stdout)).toEqual({ error });
    expect(exitCode).toBe(2);
  });

  it("leaves with the code of an operating error and says what to do", async () => {
    runReplay.mockRejectedValue(
      new NetmemError("NETMEM_CAPTURE_FORMAT", "a.pcap: not a capture", "Give a pcap file."),
    );
    expect(await replay("a.pcap")).toMatchObject({
      stdout: "",
      stderr: "netmem: a.pcap: not a capture (NETMEM_CAPTURE_FORMAT)\nTry: Give a pcap file.\n",
      exitCode: 5,
    });
  });

  it("leaves with 1 for a defect and with 7 for a violated invariant", async () => {
    runReplay.mockRejectedValue(new TypeError("x is not a function"));
    expect(await replay("a.pcap")).toMatchObject({ exitCode: 1 });
    const violation = Object.assign(new Error("invariant 8"), { name: "InvariantViolation" });
    runReplay.mockRejectedValue(violation);
    expect((await replay("a.pcap", "--json")).exitCode).toBe(7);
  });

  it("leaves with 130 after an interrupt, with what there is", async () => {
    runReplay.mockImplementation(async (_config, _paths, { signal }) => {
      process.emit("SIGINT");
      expect(signal.aborted).toBe(true);
      return { document: recordOf(), exitCode: 0 };
    });
    const listeners = process.listenerCount("SIGINT");
    expect(await replay("a.pcap")).toMatchObject({ exitCode: 130 });
    expect(process.listenerCount("SIGINT")).toBe(listeners);
  });

  it("writes exports, and refuses a folder that is missing before it runs", async () => {
    const file = join(folder, "out.json");
    await replay("a.pcap", "--export", `json=${file}`);
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual(recordOf());
    runReplay.mockClear();
    const { exitCode } = await replay("a.pcap", "--export", `json=${folder}/no/out.json`);
    expect(exitCode).toBe(2);
    expect(runReplay).not.toHaveBeenCalled();
  });

  it("prints problems alone when quiet", async () => {
    expect((await replay("a.pcap", "-q")).stdout).toBe("");
    const capture = captureOf({ damage: [{ offset: 24, reason: "cut-record" }] });
    runReplay.mockResolvedValue({ document: recordOf({ capture }), exitCode: 5 });
    expect((await replay("a.pcap", "-q")).stdout).toBe(
      "! capture damaged at byte 24: cut-record\n",
    );
  });

  it("passes warnings on to standard error, but not under --json or --quiet", async () => {
    runReplay.mockImplementation(async (_config, _paths, { warn }) => {
      warn("one-sided capture");
      return { document: recordOf(), exitCode: 0 };
    });
    expect((await replay("a.pcap")).stderr).toBe("netmem: one-sided capture\n");
    expect((await replay("a.pcap", "--json")).stderr).toBe("");
    expect((await replay("a.pcap", "--quiet")).stderr).toBe("");
  });
});
