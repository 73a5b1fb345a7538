import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_COSTS } from "../../../src/engine/clock/costs.js";
import type { Environment, RawFlags } from "../../../src/replay/plan/layers.js";
import { resolveConfig } from "../../../src/replay/plan/resolve.js";

let cwd: string;

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "netmem-resolve-"));
});

afterAll(() => rm(cwd, { recursive: true }));

const resolve = (flags: RawFlags, environment: Environment = {}) =>
  resolveConfig({ flags, environment, cwd });

describe("settings of a replay", () => {
  it("have the defaults of the contract", async () => {
    expect(await resolve({})).toEqual({
      provider: ["page", "devmem", "zcrx"],
      backend: "memory",
      natives: [],
      kernel: "7.3",
      driver: "fbnic",
      queues: 4,
      ring: 1024,
      budget: 64,
      areaBytes: 64 * 1024 * 1024,
      bufferSizeBytes: 4096,
      hds: { mode: "on", failEvery: 0 },
      steer: "all",
      rxUsecs: 30,
      rxFrames: 0,
      readDelayNs: 0,
      readSizeBytes: 65_536,
      holdNs: 0,
      batch: 1,
      rcvbuf: "capture",
      checksum: "trust",
      pacing: { mode: "recorded", multiplier: 1 },
      coalesceBytes: 0,
      link: null,
      loop: 1,
      limit: null,
      faults: [],
      regress: "",
      cost: { name: "default", table: DEFAULT_COSTS },
      seed: 1,
      streams: false,
      leaks: "count",
      floor: false,
      reader: "block",
      intervalNs: null,
      shard: null,
      exports: [],
      json: false,
      quiet: false,
      verbose: false,
      chart: false,
      given: {},
    });
  });

  it("take several values repeated or comma-separated, each once", async () => {
    const { provider } = await resolve({ provider: ["zcrx,page", "zcrx"] });
    expect(provider).toEqual(["zcrx", "page"]);
    const { exports } = await resolve({ export: ["json=a,b.json,json=c.json", "json=d"] });
    expect(exports.map(({ file }) => file)).toEqual(["a,b.json", "c.json", "d"]);
  });

  it("read header split, receive buffer, limit and switches in all their forms", async () => {
    expect((await resolve({ hds: "off" })).hds).toEqual({ mode: "off", failEvery: 0 });
    expect((await resolve({ hds: "fail=100" })).hds).toEqual({ mode: "fail", failEvery: 100 });
    expect((await resolve({ rcvbuf: "auto" })).rcvbuf).toBe("auto");
    expect((await resolve({ rcvbuf: "4MiB" })).rcvbuf).toBe(4_194_304);
    expect((await resolve({ limit: "10" })).limit).toBe(10);
    expect((await resolve({}, { NETMEM_STREAMS: "on" })).streams).toBe(true);
    expect((await resolve({ streams: false }, { NETMEM_STREAMS: "1" })).streams).toBe(false);
  });

  it.each<[RawFlags, string]>([
    [{ ring: "1000" }, "--ring 1000 must be a power of two, such as 512 or 1024"],
    [{ ring: "65536" }, "--ring 65536 must be a whole number from 8 to 32768"],
    [{ queues: "65" }, "--queues 65 must be a whole number from 1 to 64"],
    [{ queues: "1.5" }, "--queues 1.5 must be a whole number"],
    [{ budget: "0" }, "--budget 0 must be a whole number from 1"],
    [{ area: "64" }, "--area 64 needs a unit: write 64B or 64KiB"],
    [{ area: "5000B" }, "--area 5000B must be whole pages of 4KiB"],
    [{ area: "0" }, "--area 0 must be a size from 4KiB to 1GiB"],
    [{ "buffer-size": "12KiB" }, "must be a power of two, such as 8192 or 16384"],
    [{ "buffer-size": "4MiB" }, "must be a size from 4KiB to 2MiB"],
    [{ area: "64KiB", "buffer-size": "1MiB" }, "an area of 64KiB holds no netmem of 1MiB"],
    [{ hold: "5" }, "--hold 5 needs a unit: write 5us or 5ms"],
    [{ hds: "fail" }, "must be on, off, or fail=N"],
    [{ hds: "fail=0" }, "must be a whole number from 1"],
    [{ rcvbuf: "131072" }, "needs a unit: write 131072B or 131072KiB"],
    [{ rcvbuf: "unlimited" }, "must be capture, auto, or a size such as 4MiB"],
    [{ steer: " " }, "must not be empty"],
    [{ steer: "port http" }, "--steer cannot read 'port http'"],
    [{ pps: "0" }, "--pps 0 must be a number above 0"],
    [{ loop: "0" }, "must be a whole number from 1"],
    [{ seed: "-1" }, "must be a whole number from 0"],
    [{ checksum: "yes" }, "must be one of trust, verify"],
    [{ provider: ["umem"] }, "provider must be one of page, devmem, zcrx"],
    [{ kernel: "5.10" }, "must be one of rfc-v6, 6.12, 6.18, 7.0, 7.1, 7.2, 7.3"],
    [{ export: ["jsn=x"] }, "unknown format jsn: write json=FILE"],
    [{ export: ["json"] }, "needs a file name: write json=FILE"],
    [{ kernel: "6.12" }, "kernel 6.12 has no zcrx provider; it came with 6.15"],
    [{ kernel: "rfc-v6", provider: ["zcrx"] }, "kernel rfc-v6 has no zcrx provider"],
    [{ kernel: "6.18", "buffer-size": "8KiB" }, "rx_page_size came with 7.0"],
    [{ backend: "memroy" }, "must be one of memory"],
    [{ backend: ["af-xdp"], provider: ["page"] }, "takes no --provider"],
    [{ backend: ["kernel-tcp"], coalesce: "5000" }, "must be whole pages of 4KiB"],
    [{ coalesce: "4096" }, "--coalesce rebuilds segments for native backends"],
    [{ backend: ["memory,af-xdp"], coalesce: "4096" }, "GRO does that on memory and af-xdp"],
    [
      { backend: ["kernel-tcp"], coalesce: "4096", checksum: "verify" },
      "which leaves none to --checksum verify",
    ],
    [{ backend: ["kernel-tcp"], fault: ["app-crash@4"] }, "faults and regressions are the model's"],
    [{ backend: ["kernel-zcrx"], fault: ["app-crash@4ms"] }, "--fault app-crash@4ms"],
    [{ backend: ["kernel-zcrx"], fault: ["netns-exit@4"] }, "--fault netns-exit@4"],
  ])("reject %j with exit code 2", async (flags, message) => {
    await expect(resolve(flags)).rejects.toMatchObject({
      code: "NETMEM_USAGE",
      exitCode: 2,
      message: expect.stringContaining(message),
    });
  });

  it("give a kernel's own provider the faults that a kernel can show", async () => {
    const { faults } = await resolve({ backend: ["kernel-devmem"], fault: ["netlink-close@4"] });
    expect(faults).toMatchObject([{ kind: "netlink-close", when: { at: "packet", packet: 4 } }]);
  });

  it("ask nothing of the model's providers where no model runs", async () => {
    const { kernel } = await resolve({ backend: ["af-xdp"], kernel: "6.12" });
    expect(kernel).toBe("6.12");
  });

  it("let native backends run at top speed unless told otherwise", async () => {
    const both = await resolve({ backend: ["memory,kernel-tcp"], provider: ["zcrx"] });
    expect(both).toMatchObject({
      backend: "memory,kernel-tcp",
      natives: ["kernel-tcp"],
      provider: ["zcrx"],
      pacing: { mode: "topspeed" },
    });
    const paced = await resolve({ backend: ["kernel-tcp"], multiplier: "2" });
    expect(paced.pacing).toEqual({ mode: "recorded", multiplier: 2 });
  });

  it("accept the old kernels with the providers that they have", async () => {
    const { provider } = await resolve({ kernel: "6.12", provider: ["page,devmem"] });
    expect(provider).toEqual(["page", "devmem"]);
    const big = { kernel: "6.18", provider: ["page"], "buffer-size": "8KiB" };
    expect((await resolve(big)).bufferSizeBytes).toBe(8192);
  });

  it("name the variable when the environment is wrong", async () => {
    await expect(resolve({}, { NETMEM_RING: "7" })).rejects.toMatchObject({
      code: "NETMEM_CONFIG",
      exitCode: 2,
      message: "NETMEM_RING=7 must be a whole number from 8 to 32768",
    });
  });
});
