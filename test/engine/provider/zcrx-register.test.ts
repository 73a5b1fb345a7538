import { describe, expect, test } from "vitest";
import { KERNEL_PROFILES } from "../../../src/engine/kernel/profile.js";
import type { ZcrxIfq } from "../../../src/engine/provider/zcrx.js";
import {
  checkRegistration,
  registerZcrx,
  ZCRX_REG_IMPORT,
  ZCRX_REG_NODEV,
  type ZcrxRegistration,
} from "../../../src/engine/provider/zcrx-register.js";
import { Rig } from "../page-pool/rig.js";

const GOOD: ZcrxRegistration = {
  netAdmin: true,
  deferTaskrun: true,
  bigCqes: true,
  clamp: false,
  flags: 0,
  reserved: 0,
  zcrxId: 0,
  ifIdx: 3,
  ifRxq: 1,
  rqEntries: 100,
  regionBytes: 4096,
  deviceExists: true,
  dmaDevice: true,
  area: { addr: 0x10000, bytes: 64 * 4096, token: 0, flags: 0, dmabufBytes: -1 },
  rxBufLen: 0,
  contiguousBytes: 4096,
  importable: true,
};

function area(change: Partial<ZcrxRegistration["area"]>): Partial<ZcrxRegistration> {
  return { area: { ...GOOD.area, ...change } };
}

const dmabuf = { addr: 0, flags: 1, bytes: 8192, dmabufBytes: 8192 };
const bare = { ifIdx: 0, ifRxq: 0 };
const imported: Partial<ZcrxRegistration> = {
  flags: ZCRX_REG_IMPORT,
  ifIdx: 5,
  ifRxq: 0,
  rqEntries: 0,
  regionBytes: 0,
  area: { addr: 0, bytes: 0, token: 0, flags: 0, dmabufBytes: -1 },
};

describe("io_register_zcrx_ifq answers", () => {
  const cases: Array<[string, Partial<ZcrxRegistration>, number]> = [
    ["-EPERM without CAP_NET_ADMIN, before all else", { netAdmin: false, rqEntries: 0 }, -1],
    ["-EINVAL without DEFER_TASKRUN", { deferTaskrun: false }, -22],
    ["-EINVAL without big CQEs", { bigCqes: false }, -22],
    ["-EINVAL for reserved fields", { reserved: 1 }, -22],
    ["-EINVAL for a zcrx id", { zcrxId: 1 }, -22],
    ["-EINVAL for an unknown flag", { flags: 4 }, -22],
    ["-EINVAL for queue -1", { ifRxq: -1 }, -22],
    ["-EINVAL for no entries", { rqEntries: 0 }, -22],
    ["-EINVAL for too many entries", { rqEntries: 32769, regionBytes: 1e6 }, -22],
    ["-EINVAL for a small region", { regionBytes: 64 + 128 * 16 - 1 }, -22],
    ["-ENODEV without the device", { deviceExists: false, dmaDevice: false }, -19],
    ["-EOPNOTSUPP without a DMA device", { dmaDevice: false }, -95],
    ["-EINVAL for an area token", area({ token: 1 }), -22],
    ["-EINVAL for an unaligned address", area({ addr: 0x10001 }), -22],
    ["-EINVAL for an unaligned length", area({ bytes: 4097 }), -22],
    ["-EINVAL for area flags", area({ flags: 2 }), -22],
    ["-EFAULT for address 0", area({ addr: 0 }), -14],
    ["-EINVAL for a dma-buf with an address", area({ ...dmabuf, addr: 4096 }), -22],
    ["-EINVAL for part of a dma-buf", area({ ...dmabuf, bytes: 4096 }), -22],
    ["-EINVAL for a buffer below a page", { rxBufLen: 2048 }, -22],
    ["-EINVAL for a buffer that is no power of two", { rxBufLen: 12288 }, -22],
    ["-ERANGE for a buffer beyond contiguity", { rxBufLen: 8192 }, -34],
    ["-EINVAL for NODEV with a device", { flags: ZCRX_REG_NODEV }, -22],
    ["-EOPNOTSUPP for NODEV and large buffers", { ...bare, flags: 2, rxBufLen: 8192 }, -95],
    ["-EFAULT for an area without bytes", area({ bytes: 0 }), -14],
    ["-EINVAL for the buffer before -EOPNOTSUPP", { ...bare, flags: 2, rxBufLen: 12288 }, -22],
    ["-EINVAL for the buffer before the area", { rxBufLen: 2048, ...area({ addr: 0 }) }, -22],
    ["-EINVAL for a token before the device", { dmaDevice: false, ...area({ token: 1 }) }, -22],
    ["-EINVAL for an import with a queue", { ...imported, ifRxq: 1 }, -22],
    ["-EINVAL for an import with entries", { ...imported, rqEntries: 1 }, -22],
    ["-EINVAL for an import with an area", { ...imported, area: GOOD.area }, -22],
    ["-EINVAL for an import with a region", { ...imported, regionBytes: 4096 }, -22],
    ["-EINVAL for an import with NODEV", { ...imported, flags: 3 }, -22],
    ["-EBADF for a strange import", { ...imported, importable: false }, -9],
    ["nothing against an import: if_idx is the descriptor", imported, 0],
    ["the entries, a power of two", {}, 128],
    ["clamped entries", { rqEntries: 1e6, clamp: true, regionBytes: 1e6 }, 32768],
    ["entries for a whole dma-buf", area(dmabuf), 128],
    ["entries without a device", { ...bare, flags: 2, deviceExists: false }, 128],
  ];
  test.each(cases)("%s", (_what, change, answer) => {
    expect(checkRegistration({ ...GOOD, ...change })).toBe(answer);
  });

  test("an instance over the netmems it was given, mapped from the start since 7.0", () => {
    const rig = new Rig("zcrx", 64);
    const deps = { ...rig.pools.deps, back: rig.pools };
    const mapped = ["6.18", "7.0"].map((name) => {
      const profile = KERNEL_PROFILES[name]!;
      const range = { first: 16, niovs: 32, device: 1 };
      const ifq = registerZcrx(GOOD, range, { ...deps, profile }) as ZcrxIfq;
      expect([ifq.netmemCount, ifq.freeCount, ifq.ring.size, ifq.queue]).toEqual([32, 32, 128, 1]);
      expect([15, 16, 47, 48].map((n) => ifq.area.owns(n))).toEqual([false, true, true, false]);
      return ifq.area.mapped;
    });
    expect(mapped).toEqual([false, true]);
  });

  test("copies into a dma-buf area have no niov", () => {
    const rig = new Rig("zcrx", 64);
    const range = { first: 0, niovs: 2, device: 1 };
    const deps = { ...rig.pools.deps, back: rig.pools, profile: KERNEL_PROFILES["7.3"]! };
    const ifq = registerZcrx({ ...GOOD, ...area(dmabuf) }, range, deps) as ZcrxIfq;
    expect([ifq.allocFallback(1), ifq.freeCount, ifq.copyCount]).toEqual([-1, 2, 0]);
  });
});

describe("io_pp_zc_init refuses", () => {
  test.each([
    ["another device", { device: 2 }, "7.3", -22],
    ["another size", { order: 1 }, "7.3", -22],
    ["a higher order, as unsupported before 7.0", { order: 1 }, "6.18", -95],
    ["both directions", { dmaDir: 0 }, "7.3", -95],
  ])("%s", (_what, change, name, errno) => {
    const rig = new Rig("zcrx", 64, { profile: KERNEL_PROFILES[name]! });
    expect(rig.tryPool(change)).toBe(errno);
    expect(rig.ifq!.refs).toBe(1);
  });
});
