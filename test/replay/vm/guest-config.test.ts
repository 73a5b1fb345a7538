import { deserialize, serialize } from "node:v8";
import { describe, expect, it } from "vitest";
import { guestConfig, nmsimParameters } from "../../../src/replay/vm/guest-config.js";
import { GUEST_KERNELS } from "../../../src/replay/vm/kernels.js";
import { byVersion } from "../../../src/replay/vm/prepare.js";
import { qemuArguments } from "../../../src/replay/vm/qemu.js";

describe("what a guest is to do", () => {
  it("is resolved here, with the guest's own NIC, and crosses over whole", async () => {
    const flags = { hold: "1ms", fault: "app-hang@5", streams: true, kernel: "7.2" };
    const config = await guestConfig({ flags });
    expect(config).toMatchObject({ natives: ["kernel-zcrx"], holdNs: 1e6, kernel: "7.2" });
    expect(config.link).toMatchObject({ interface: "nm0", peer: "nm1", queue: 1 });
    expect(deserialize(serialize(config))).toEqual(config);
    expect(Object.keys(config.given).sort()).toEqual([
      "backend",
      "fault",
      "hold",
      "kernel",
      "streams",
    ]);
  });

  it("follows the environment, but for the ports of this machine", async () => {
    const environment = {
      NETMEM_BACKEND: "kernel-devmem",
      NETMEM_READ_SIZE: "8KiB",
      NETMEM_INTERFACE: "eth0",
    };
    const config = await guestConfig({ flags: {}, environment });
    expect(config).toMatchObject({ natives: ["kernel-devmem"], readSizeBytes: 8192 });
    expect(config.link?.interface).toBe("nm0");
  });

  it("names no port for zcrx without a device, nor for Linux TCP", async () => {
    const nodev = await guestConfig({ flags: { backend: "kernel-zcrx", nodev: true } });
    expect(nodev.link).toMatchObject({ interface: "", nodev: true });
    expect((await guestConfig({ flags: { backend: "kernel-tcp" } })).link).toBeNull();
  });

  it.each([
    [{ backend: "memory" }, /the model needs no guest/],
    [{ queues: "17" }, /the guest's NIC has no 17 queues/],
    [{ ring: "8" }, /the guest's NIC has no rings of 8 descriptors/],
    [{ hds: "off" }, /a kernel opens no provider with --hds off/],
  ])("refuses %o before anything is booted", async (flags, message) => {
    await expect(guestConfig({ flags })).rejects.toThrow(message);
  });

  it("sets the virtual NIC up as the model's device", async () => {
    const given = { queues: "2", ring: "64", hds: "fail=3" };
    expect(nmsimParameters(await guestConfig({ flags: given }))).toEqual({
      queues: "2",
      ring: "64",
      hds_fail: "3",
    });
    expect(nmsimParameters(await guestConfig({ flags: { hds: "on" } }))).toEqual({});
  });
});

describe("guest kernels", () => {
  it("are at least two, each with the hash of its package", () => {
    expect(GUEST_KERNELS.length).toBeGreaterThanOrEqual(2);
    for (const { sha256, suites } of GUEST_KERNELS) {
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(suites.length).toBeGreaterThan(0);
    }
  });

  it("are ordered by their numbers, not as text", () => {
    const releases = ["7.2.9+deb13-cloud", "7.10.1+deb13-cloud", "7.2.13+deb13-cloud"];
    expect(releases.sort(byVersion).at(-1)).toBe("7.10.1+deb13-cloud");
  });

  it("boot without network and disk", () => {
    const line = qemuArguments({
      accelerator: "tcg",
      kernel: "vmlinux",
      initramfs: "initramfs",
      memoryMiB: 512,
      answer: "answer",
      console: "log",
      timeoutMs: 1,
      signal: new AbortController().signal,
    });
    expect(line).toContain("-nodefaults");
    expect(line).toContain("-no-reboot");
    expect(line.join(" ")).not.toMatch(/-netdev|-nic|-drive|-hda/);
  });
});
