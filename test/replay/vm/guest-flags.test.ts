import { describe, expect, it } from "vitest";
import { guestArguments, nmsimParameters } from "../../../src/replay/vm/guest-flags.js";
import { GUEST_KERNELS } from "../../../src/replay/vm/kernels.js";
import { byVersion } from "../../../src/replay/vm/prepare.js";
import { qemuArguments } from "../../../src/replay/vm/qemu.js";

describe("the command line of a guest", () => {
  it("passes replay's flags on, and keeps this machine's own", () => {
    const given = { backend: "kernel-zcrx", hold: "1ms", streams: true, json: true, kernel: "7.3" };
    expect(guestArguments(given, ["/c.pcap"])).toEqual([
      "replay",
      "--json",
      "--backend=kernel-zcrx",
      "--hold=1ms",
      "--streams",
      "--interface=nm0",
      "--peer=nm1",
      "/c.pcap",
    ]);
  });

  it("names no port for zcrx without a device, nor for Linux TCP", () => {
    expect(guestArguments({ backend: "kernel-zcrx", nodev: true }, [])).not.toContain("--peer=nm1");
    expect(guestArguments({ backend: "kernel-tcp" }, [])).not.toContain("--interface=nm0");
  });

  it("sets the virtual NIC up as the model's device", () => {
    expect(nmsimParameters({ queues: "2", ring: "64", hds: "fail=3" })).toEqual({
      queues: "2",
      ring: "64",
      hds_fail: "3",
    });
    expect(nmsimParameters({ hds: "on" })).toEqual({});
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
