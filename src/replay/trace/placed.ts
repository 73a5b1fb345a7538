import type { Nic } from "../../engine/driver/nic.js";
import type { Arena } from "../../engine/memory/arena.js";
import type { Kernels } from "../../engine/memory/kernels.js";
import { type NetmemTable, PAGE_SIZE } from "../../engine/netmem/netmem-table.js";
import type { ReceivePath } from "../../engine/receive-path.js";
import { jsonNumber } from "../record/json-number.js";
import type { PlacedNetmem, PlacedPacket } from "../record/trace.js";

/** One write of the NIC: bytes of the frame from `at` in the read window to an arena address. */
interface Write {
  readonly to: number;
  readonly at: number;
  readonly bytes: number;
}

/**
 * Waits for one packet and tells where the NIC put its bytes. The device's own hot path has no
 * hook: until the packet has come, `nic.receive` of this one path is wrapped, and for the packet
 * itself the arena's byte movers, which every driver's DMA goes through.
 *
 * @param packet counted from 1 over all passes.
 * @param onPlaced called right behind the NIC, before anything else happens.
 */
export function awaitPacket(
  path: ReceivePath,
  arena: Arena,
  packet: number,
  onPlaced: (placed: PlacedPacket) => void,
): void {
  const nic: Pick<Nic, "receive"> = path.nic;
  const receive = path.nic.receive.bind(path.nic);
  let seen = 0;
  nic.receive = (addr, captured, wire, linkType) => {
    if (++seen < packet) return receive(addr, captured, wire, linkType);
    nic.receive = receive;
    const dropsBefore = path.drops.nonZero();
    const { result: queue, writes } = writesOf(arena, () =>
      receive(addr, captured, wire, linkType),
    );
    const dropsBehind = Object.entries(path.drops.nonZero());
    const dropped = dropsBehind.find(([reason, count]) => count !== (dropsBefore[reason] ?? 0));
    const { placed, ownHeadBytes } = byNetmem(path, writes);
    onPlaced({
      packet,
      arrivalNs: jsonNumber(sinceStart(path, path.placement.arrivalNs)),
      queue: queue.index,
      capturedBytes: captured,
      ownHeadBytes,
      placed: dropped === undefined ? placed : [],
      dropped: dropped?.[0] ?? null,
    });
    return queue;
  };
}

/** Model time since the start of the run as a whole number. */
export function sinceStart({ clock }: ReceivePath, timeNs: number): bigint {
  return BigInt(clock.epochSeconds) * 1_000_000_000n + BigInt(Math.round(timeNs));
}

/** What `place` writes into the arena, in order. */
function writesOf<T>(arena: Arena, place: () => T): { result: T; writes: Write[] } {
  const writes: Write[] = [];
  const { kernels } = arena;
  const open = arena as { kernels: Kernels };
  const note = (to: number, at: number, bytes: number) => {
    if (bytes > 0) writes.push({ to: to >>> 0, at: at >>> 0, bytes });
  };
  open.kernels = {
    sum: kernels.sum,
    copy: (dst, src, len) => {
      note(dst, src, len);
      kernels.copy(dst, src, len);
    },
    split: (src, hdrDst, hdrLen, pay, payDst, payLen, ...sums) => {
      note(hdrDst, src, hdrLen);
      note(payDst, pay, payLen);
      return kernels.split(src, hdrDst, hdrLen, pay, payDst, payLen, ...sums);
    },
  };
  try {
    return { result: place(), writes };
  } finally {
    open.kernels = kernels;
  }
}

/** The writes as netmems, in the order of writing; pieces in one netmem are one. */
function byNetmem(
  path: ReceivePath,
  writes: readonly Write[],
): { placed: PlacedNetmem[]; ownHeadBytes: number } {
  const payloadAt = path.nic.frame.payload;
  const found = new Map<number, PlacedNetmem>();
  let ownHeadBytes = 0;
  for (const { to, at, bytes } of writes) {
    const headBytes = Math.min(bytes, Math.max(0, payloadAt - at));
    const netmem = netmemAt(path.table, to);
    if (netmem < 0) {
      ownHeadBytes += headBytes;
      continue;
    }
    const offset = to - path.table.addressOf(netmem);
    const earlier = found.get(netmem) ?? { netmem, offset, headBytes: 0, payloadBytes: 0 };
    found.set(netmem, {
      ...earlier,
      headBytes: earlier.headBytes + headBytes,
      payloadBytes: earlier.payloadBytes + bytes - headBytes,
    });
  }
  return { placed: [...found.values()], ownHeadBytes };
}

/** The netmem that an arena address lies in, -1 for none. */
function netmemAt({ geometry, areaNetmems, count }: NetmemTable, address: number): number {
  const inArea = Math.floor((address - geometry.areaStart) / geometry.netmemBytes);
  if (inArea >= 0 && inArea < areaNetmems) return inArea;
  const page = Math.floor((address - geometry.pagesStart) / PAGE_SIZE);
  return page >= 0 && areaNetmems + page < count ? areaNetmems + page : -1;
}
