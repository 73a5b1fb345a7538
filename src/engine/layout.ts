import { DEFRAG_SCRATCH_BYTES } from "./ip/defrag.js";
import { PAGE_SIZE } from "./netmem/netmem-table.js";

/** Page queues that take what is not steered to a provider's queues, at most. */
export const MAX_REST_QUEUES = 4;
/** System pages beside those that descriptor rings hold: heads of queued skbs. */
const SPARE_PAGES = 8192;
/** Bytes of the buffer that an application's recvmsg copies into. */
const USER_SLACK_BYTES = 4096;

/** What a receive path needs to know of its own size. */
export interface PathSize {
  readonly pages: boolean;
  readonly queues: number;
  readonly ring: number;
  readonly areaBytes: number;
  readonly readSizeBytes: number;
}

/**
 * Where a receive path's memory lies in the arena.
 *
 *      start   [ area ........ ][ system pages ... ][ user buffer ][ scratch ]   end
 */
export interface PathLayout {
  readonly areaStart: number;
  readonly areaBytes: number;
  readonly pagesStart: number;
  readonly pages: number;
  readonly userStart: number;
  readonly userBytes: number;
  readonly scratchStart: number;
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
  return {
    areaStart: start,
    areaBytes: size.areaBytes,
    pagesStart,
    pages,
    userStart,
    userBytes,
    scratchStart,
    end: scratchStart + align(DEFRAG_SCRATCH_BYTES + 64),
  };
}

function align(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
}
