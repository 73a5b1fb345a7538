import { type DriverName, HEAD_BYTES } from "./driver/profile.js";
import { DRIVER_PROFILES } from "./driver/profiles.js";
import { DEFRAG_SCRATCH_BYTES } from "./ip/defrag.js";
import { PAGE_SIZE } from "./netmem/netmem-table.js";

/** Page queues that take what is not steered to a provider's queues, at most. */
export const MAX_REST_QUEUES = 4;
/** System pages beside those that descriptor rings hold: heads of queued skbs. */
const SPARE_PAGES = 8192;
/** skbs that a header page can carry at once, and those without payload where heads are apart. */
const SKBS_PER_PAGE = 8;
const SPARE_SKBS = 16384;
/** Bytes of the buffer that an application's recvmsg copies into. */
const USER_SLACK_BYTES = 4096;

/** What a receive path needs to know of its own size. */
export interface PathSize {
  readonly pages: boolean;
  readonly queues: number;
  readonly ring: number;
  readonly areaBytes: number;
  readonly readSizeBytes: number;
  readonly driver: DriverName;
}

/**
 * Where a receive path's memory lies in the arena.
 *
 *      start   [ area ........ ][ system pages ... ][ user buffer ][ scratch ][ heads ]   end
 */
export interface PathLayout {
  readonly areaStart: number;
  readonly areaBytes: number;
  readonly pagesStart: number;
  readonly pages: number;
  readonly userStart: number;
  readonly userBytes: number;
  readonly scratchStart: number;
  /** Heads of skbs where the driver does not build them around its buffers, HEAD_BYTES an skb. */
  readonly headsStart: number;
  /** skbs at once. */
  readonly skbs: number;
  readonly end: number;
}

/** Page queues beside `queues` provider queues. */
export function restQueues(queues: number): number {
  return Math.min(queues, MAX_REST_QUEUES);
}

/** Lays a receive path out from arena offset `start`, a multiple of the page size. */
export function layOut(start: number, size: PathSize): PathLayout {
  // The page provider's pools live in its area; the others need header pages and page queues.
  const rings = size.pages ? 0 : size.queues * size.ring + 2 * restQueues(size.queues) * size.ring;
  const pages = size.pages ? 0 : rings + SPARE_PAGES;
  const pagesStart = start + size.areaBytes;
  const userStart = pagesStart + pages * PAGE_SIZE;
  const userBytes = align(size.readSizeBytes + USER_SLACK_BYTES);
  const scratchStart = userStart + userBytes;
  const headsStart = scratchStart + align(DEFRAG_SCRATCH_BYTES + 64);
  const { ownHeads } = DRIVER_PROFILES[size.driver];
  const heldPages = pages > 0 ? pages : Math.ceil(size.areaBytes / PAGE_SIZE);
  const skbs = ownHeads ? heldPages * 2 + SPARE_SKBS : heldPages * SKBS_PER_PAGE;
  return {
    areaStart: start,
    areaBytes: size.areaBytes,
    pagesStart,
    pages,
    userStart,
    userBytes,
    scratchStart,
    headsStart,
    skbs,
    end: headsStart + (ownHeads ? align(skbs * HEAD_BYTES) : 0),
  };
}

function align(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
}
