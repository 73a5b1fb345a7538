import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Environment, RawFlags } from "../../../src/replay/plan/layers.js";
import { resolveConfig } from "../../../src/replay/plan/resolve.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "netmem-config-"));
  await mkdir(join(folder, "deep/er"), { recursive: true });
});

afterEach(() => rm(folder, { recursive: true }));

const resolve = (flags: RawFlags = {}, environment: Environment = {}) =>
  resolveConfig({ flags, environment, cwd: join(folder, "deep/er") });

const file = (name: string, text: string) => writeFile(join(folder, name), text);

describe("a flag beats the environment, which beats the file, which beats the default", () => {
  it("for one setting", async () => {
    await file("netmem.config.yaml", "ring: 256\nqueues: 2\nbudget: 8\n");
    const config = await resolve({ ring: "2048" }, { NETMEM_RING: "512", NETMEM_QUEUES: "3" });
    expect(config).toMatchObject({ ring: 2048, queues: 3, budget: 8, batch: 1 });
  });

  it("for a group of which one holds", async () => {
    await file("netmem.config.yaml", "pps: 1000\n");
    expect((await resolve()).pacing).toEqual({ mode: "pps", pps: 1000 });
    const { pacing } = await resolve({ topspeed: true }, { NETMEM_MBPS: "5" });
    expect(pacing).toEqual({ mode: "topspeed" });
    const faster = await resolve({ multiplier: "2.5" });
    expect(faster.pacing).toEqual({ mode: "recorded", multiplier: 2.5 });
  });

  it("for a switch that a flag turns off again", async () => {
    await file("netmem.config.yaml", "topspeed: true\n");
    expect((await resolve()).pacing.mode).toBe("topspeed");
    expect((await resolve({ topspeed: false })).pacing.mode).toBe("recorded");
  });

  it("and two of a group in one place exclude each other", async () => {
    await expect(resolve({ pps: "5", topspeed: true })).rejects.toMatchObject({
      code: "NETMEM_USAGE",
      message: "--pps 5 and --topspeed exclude each other",
    });
    await file("netmem.config.yaml", "quiet: true\nverbose: true\n");
    await expect(resolve()).rejects.toMatchObject({ code: "NETMEM_CONFIG" });
  });
});

describe("a configuration file", () => {
  it("is found upward, the nearest first", async () => {
    await file("netmem.config.yaml", "ring: 256\n");
    await file("deep/netmem.config.json", '{"ring": 512}');
    expect((await resolve()).ring).toBe(512);
  });

  it("takes every form that a flag takes, and lists", async () => {
    await file(
      "netmem.config.yaml",
      "provider: [zcrx, page]\nhds: off\nrcvbuf: 1MiB\nread-delay: 0\nlimit: none\nkernel: '7.0'\n",
    );
    expect(await resolve()).toMatchObject({
      provider: ["zcrx", "page"],
      hds: { mode: "off" },
      rcvbuf: 1_048_576,
      readDelayNs: 0,
      limit: null,
      kernel: "7.0",
    });
  });

  it("is named by --config or its environment twin, and then nothing is searched", async () => {
    await file("netmem.config.yaml", "ring: 256\n");
    await file("other.yaml", "ring: 64\n");
    expect((await resolve({ config: join(folder, "other.yaml") })).ring).toBe(64);
    expect((await resolve({}, { NETMEM_CONFIG: join(folder, "other.yaml") })).ring).toBe(64);
  });

  it.each([
    ["queues: 2\nrign: 256\n", /netmem\.config\.yaml:2: unknown setting rign$/, "ring?"],
    ["read_delay: 5us\n", /:1: unknown setting read_delay$/, "read-delay?"],
    ["ring:\n  a: 1\n", /:2: ring must be one value or a list$/, ""],
    ["ring: [1\n", /:\d+: .+/, "syntax"],
    ["- ring\n", /not a map of settings$/, ""],
    ["ring: 1000\n", /netmem\.config\.yaml: ring 1000 must be a power of two/, ""],
  ])("is refused with file, line and hint: %j", async (text, message, suggestion) => {
    await file("netmem.config.yaml", text);
    await expect(resolve()).rejects.toMatchObject({
      code: "NETMEM_CONFIG",
      exitCode: 2,
      message: expect.stringMatching(message),
      suggestion: expect.stringContaining(suggestion),
    });
  });

  it("must exist when it is named", async () => {
    await expect(resolve({ config: join(folder, "missing.yaml") })).rejects.toMatchObject({
      code: "NETMEM_CONFIG",
      message: expect.stringContaining("ENOENT"),
    });
  });
});

describe("a cost table", () => {
  it("is a name or a file that changes entries of the default", async () => {
    expect((await resolve({ cost: "free" })).cost).toMatchObject({
      name: "free",
      table: { tcpNs: 0 },
    });
    const path = join(folder, "slow.yaml");
    await writeFile(path, "copyNsPerKib: 900\n");
    expect((await resolve({ cost: path })).cost).toMatchObject({
      name: path,
      table: { copyNsPerKib: 900, irqNs: 1000 },
    });
  });

  it.each([
    ["copyNs: 1\n", "unknown entry copyNs"],
    ["tcpNs: fast\n", "tcpNs is not a whole number"],
    ["tcpNs: -1\n", "tcpNs is not a whole number"],
    ["[]\n", "not a map of costs"],
  ])("is refused when it says %j", async (text, message) => {
    const path = join(folder, "bad.yaml");
    await writeFile(path, text);
    await expect(resolve({ cost: path })).rejects.toMatchObject({
      code: "NETMEM_CONFIG",
      message: expect.stringContaining(message),
    });
  });

  it("is refused when neither a table nor a file has the name", async () => {
    await expect(resolve({ cost: "cheap" })).rejects.toMatchObject({
      suggestion: expect.stringContaining("default, free"),
    });
  });
});
