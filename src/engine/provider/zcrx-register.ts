import type { NetmemTable } from "../netmem/netmem-table.js";
import { PAGE_SIZE } from "../netmem/netmem-table.js";
import { ERRNO } from "./provider.js";
import { ZcrxIfq } from "./zcrx.js";
import { ZcrxArea } from "./zcrx-area.js";
import type { ZcrxDeps } from "./zcrx-deps.js";
import type { ZcrxInstance } from "./zcrx-instance.js";
import { RQ_MAX_ENTRIES, ZcrxRefillRing } from "./zcrx-refill-ring.js";

/** ZCRX_REG_ flags. */
export const ZCRX_REG_IMPORT = 1;
export const ZCRX_REG_NODEV = 2;

/** An io_uring_zcrx_ifq_reg with what the kernel looks up for it. */
export interface ZcrxRegistration {
  readonly netAdmin: boolean;
  /** Ring set up with DEFER_TASKRUN, with CQE32 or CQE_MIXED, with CLAMP. */
  readonly deferTaskrun: boolean;
  readonly bigCqes: boolean;
  readonly clamp: boolean;
  readonly flags: number;
  readonly reserved: number;
  readonly zcrxId: number;
  readonly ifIdx: number;
  readonly ifRxq: number;
  readonly rqEntries: number;
  /** Bytes of the region that the application gave for the ring. */
  readonly regionBytes: number;
  readonly deviceExists: boolean;
  readonly dmaDevice: boolean;
  readonly area: ZcrxAreaRegistration;
  /** The memory of the region, whatever the application left in it; fresh where absent. */
  readonly region?: Uint32Array;
  /** Bytes of a niov, 0 for the page size. */
  readonly rxBufLen: number;
  /** Longest run of physically contiguous bytes that starts at every niov. */
  readonly contiguousBytes: number;
  /** With IMPORT: whether the descriptor is a zcrx one. */
  readonly importable: boolean;
}

/** An io_uring_zcrx_area_reg. */
export interface ZcrxAreaRegistration {
  readonly addr: number;
  readonly bytes: number;
  readonly token: number;
  readonly flags: number;
  /** Length of the dma-buf, or -1 for user memory. */
  readonly dmabufBytes: number;
}

/**
 * io_register_zcrx_ifq up to the opening of the queue: the refill ring's entries, or a negative
 * errno. The checks stand in the kernel's order (DOMAIN 3.5).
 */
export function checkRegistration(reg: ZcrxRegistration): number {
  if (!reg.netAdmin) return -ERRNO.EPERM;
  if (!reg.deferTaskrun || !reg.bigCqes) return -ERRNO.EINVAL;
  if (reg.reserved !== 0 || reg.zcrxId !== 0) return -ERRNO.EINVAL;
  if ((reg.flags & ~(ZCRX_REG_IMPORT | ZCRX_REG_NODEV)) !== 0) return -ERRNO.EINVAL;
  if ((reg.flags & ZCRX_REG_IMPORT) !== 0) return checkImport(reg);
  const nodev = (reg.flags & ZCRX_REG_NODEV) !== 0;
  if (reg.ifRxq === -1 || reg.rqEntries === 0) return -ERRNO.EINVAL;
  if (nodev && (reg.ifIdx !== 0 || reg.ifRxq !== 0)) return -ERRNO.EINVAL;
  if (reg.rqEntries > RQ_MAX_ENTRIES && !reg.clamp) return -ERRNO.EINVAL;
  const entries = powerOfTwo(Math.min(reg.rqEntries, RQ_MAX_ENTRIES));
  if (reg.area.token !== 0) return -ERRNO.EINVAL;
  if (reg.regionBytes < ZcrxRefillRing.regionBytes(entries)) return -ERRNO.EINVAL;
  if (!nodev && !reg.deviceExists) return -ERRNO.ENODEV;
  if (!nodev && !reg.dmaDevice) return -ERRNO.EOPNOTSUPP;
  const refused = checkArea(reg);
  return refused !== 0 ? refused : entries;
}

/**
 * The instance for a registration whose checks passed: `niovs` netmems from `first`. The caller
 * opens the queue, and drops the instance if that fails.
 */
export function registerZcrx(
  reg: ZcrxRegistration,
  range: { readonly first: number; readonly niovs: number; readonly device: number },
  deps: ZcrxDeps & { readonly table: NetmemTable },
): ZcrxIfq | number {
  const entries = checkRegistration(reg);
  if (entries < 0) return entries;
  const userMemory = reg.area.dmabufBytes < 0;
  const { regress } = deps.profile;
  const unpin = pinPages(reg, deps);
  if (deps.pins?.sgAllocFails === true) {
    // Before 0ae91d8ab709 the page array leaked here.
    if (regress !== "F10") unpin();
    return -ERRNO.ENOMEM;
  }
  const area = new ZcrxArea(deps.table, range.first, range.niovs, userMemory);
  const place = { device: range.device, queue: reg.ifRxq };
  const ring = new ZcrxRefillRing(entries, reg.region ?? null, regress === "F12");
  const onFree = (ifq: ZcrxInstance) => {
    unpin();
    deps.onFree?.(ifq);
  };
  return new ZcrxIfq(area, ring, place, { ...deps, onFree });
}

/**
 * io_register_zcrx as a whole: the instance on its queue through `open` (netif_mp_open_rxq, 0 or a
 * negative errno), or an errno and everything undone.
 */
export function openZcrx(
  reg: ZcrxRegistration,
  range: Parameters<typeof registerZcrx>[1],
  deps: Parameters<typeof registerZcrx>[2],
  open: (ifq: ZcrxIfq) => number,
): ZcrxIfq | number {
  const ifq = registerZcrx(reg, range, deps);
  if (typeof ifq === "number") return ifq;
  const failed = open(ifq);
  if (failed === 0) return ifq;
  // Before 0ec33c81d9c7 the area was not released here.
  if (deps.profile.regress !== "F14") ifq.cancel();
  return failed;
}

/** Pins the pages of a user area; answers what gives them back. */
function pinPages(reg: ZcrxRegistration, deps: ZcrxDeps): () => void {
  const { pins } = deps;
  if (pins === undefined || reg.area.dmabufBytes >= 0) return () => {};
  const pages = reg.area.bytes / PAGE_SIZE;
  pins.pages += pages;
  return () => {
    pins.pages -= pages;
  };
}

/** import_zcrx: `ifIdx` is the descriptor, everything else must be empty. */
function checkImport(reg: ZcrxRegistration): number {
  if (reg.ifRxq !== 0 || reg.rqEntries !== 0) return -ERRNO.EINVAL;
  if (reg.regionBytes !== 0 || reg.area.bytes !== 0) return -ERRNO.EINVAL;
  if (reg.flags !== ZCRX_REG_IMPORT) return -ERRNO.EINVAL;
  return reg.importable ? 0 : -ERRNO.EBADF;
}

/** io_zcrx_create_area and io_import_area. */
function checkArea(reg: ZcrxRegistration): number {
  const { area } = reg;
  const rxBufLen = reg.rxBufLen === 0 ? PAGE_SIZE : reg.rxBufLen;
  if (rxBufLen < PAGE_SIZE || (rxBufLen & (rxBufLen - 1)) !== 0) return -ERRNO.EINVAL;
  const nodev = (reg.flags & ZCRX_REG_NODEV) !== 0;
  if (nodev && rxBufLen !== PAGE_SIZE) return -ERRNO.EOPNOTSUPP;
  if (area.flags !== (area.dmabufBytes < 0 ? 0 : 1)) return -ERRNO.EINVAL;
  // io_validate_user_buf_range.
  if (area.bytes === 0) return -ERRNO.EFAULT;
  if (area.addr % PAGE_SIZE !== 0 || area.bytes % PAGE_SIZE !== 0) return -ERRNO.EINVAL;
  if (area.dmabufBytes < 0) {
    if (area.addr === 0) return -ERRNO.EFAULT;
  } else if (area.addr !== 0 || area.bytes !== area.dmabufBytes) return -ERRNO.EINVAL;
  return !nodev && rxBufLen > reg.contiguousBytes ? -ERRNO.ERANGE : 0;
}

function powerOfTwo(entries: number): number {
  return 2 ** Math.ceil(Math.log2(entries));
}
