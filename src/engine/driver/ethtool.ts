import { ERRNO } from "../provider/provider.js";
import type { Netdev } from "./netdev.js";

/** Entries of a ring: FBNIC_QUEUE_SIZE_MIN (64 in newest sources) and _MAX. */
export const RING_MIN = 16;
export const RING_MAX = 65536;
/** hds-thresh: at most this many bytes. */
export const HDS_THRESH_MAX = 4096;

/**
 * ethtool -G rx: another length of the rings, rounded up to a power of two as fbnic does
 * (fbnic_set_ringparam). Allowed with a provider bound: the driver rebuilds its rings with it.
 * fbnic's buffer rings, rx-mini and rx-jumbo there, keep their share of it; bnxt's and gve's
 * completions follow. -EINVAL out of range; if the rings cannot be had, their errno, and the old
 * length again.
 */
export function setRing(netdev: Netdev, descriptors: number): number {
  if (descriptors < RING_MIN || descriptors > RING_MAX) return -ERRNO.EINVAL;
  const before = netdev.ring;
  netdev.ring = 2 ** Math.ceil(Math.log2(descriptors));
  if (netdev.ring === before) return 0;
  return rebuilt(netdev, () => {
    netdev.ring = before;
  });
}

/** Rebuilds the queues with a setting that was changed, or `undo`es it: 0 or why not. */
function rebuilt(netdev: Netdev, undo: () => void): number {
  const failed = netdev.rebuild();
  if (failed === 0) return 0;
  undo();
  netdev.up();
  return failed;
}

/**
 * ethtool -L: the number of queues in use. -EINVAL for none, for more than there are, and where a
 * queue with a provider would go (ethnl_set_channels); other changes succeed.
 */
export function setChannels(netdev: Netdev, channels: number): number {
  if (channels < 1 || channels > netdev.mgmt.queues.length) return -ERRNO.EINVAL;
  if (channels < netdev.mgmt.minChannels) return -ERRNO.EINVAL;
  if (channels === netdev.channels) return 0;
  const before = netdev.channels;
  netdev.channels = channels;
  return rebuilt(netdev, () => {
    netdev.channels = before;
  });
}

/**
 * ethtool -G tcp-data-split. -EINVAL for turning it off while a provider is bound
 * (ethnl_set_rings, dev_get_min_mp_channel_count) or where the driver always splits
 * (fbnic_set_ringparam), and for turning it on with an XDP program that knows no frags. The driver
 * rebuilds its queues; if they cannot be had, their errno, and the split of before again.
 */
export function setHeaderSplit(netdev: Netdev, on: boolean): number {
  if (!on && netdev.mgmt.minChannels > 0) return -ERRNO.EINVAL;
  if (on && netdev.xdp === "single-buffer") return -ERRNO.EINVAL;
  if (!on && netdev.alwaysSplits) return -ERRNO.EINVAL;
  if (on === netdev.tcpDataSplit) return 0;
  netdev.tcpDataSplit = on;
  return rebuilt(netdev, () => {
    netdev.tcpDataSplit = !on;
  });
}

/** ethtool -G hds-thresh: -EINVAL out of range, or other than 0 while a provider is bound. */
export function setHdsThresh(netdev: Netdev, bytes: number): number {
  if (bytes < 0 || bytes > HDS_THRESH_MAX) return -ERRNO.EINVAL;
  if (bytes !== 0 && netdev.mgmt.minChannels > 0) return -ERRNO.EINVAL;
  netdev.hdsThresh = bytes;
  return 0;
}

/**
 * dev_xdp_attach with XDP_FLAGS_UPDATE_IF_NOEXIST (ip link without -force): -EBUSY beside another
 * program; then dev_xdp_install: -EBUSY with header split on and a program that knows no frags, and
 * with any provider bound.
 */
export function attachXdp(netdev: Netdev, program: "single-buffer" | "frags"): number {
  if (netdev.xdp !== "none") return -ERRNO.EBUSY;
  if (netdev.tcpDataSplit && program === "single-buffer") return -ERRNO.EBUSY;
  if (netdev.mgmt.minChannels > 0) return -ERRNO.EBUSY;
  netdev.xdp = program;
  return 0;
}
