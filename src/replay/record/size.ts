import type { JsonNumber } from "./json-number.js";

/** One whole replay of a search for a size. */
export interface SizePoint {
  readonly areaBytes: number;
  /** Netmems of the area. */
  readonly netmems: number;
  readonly ring: number;
  /** Packets that the NIC dropped for want of a buffer, a descriptor or an skb. */
  readonly drops: JsonNumber;
  /** Segments that TCP dropped: no socket memory, or beyond the window that it had offered. */
  readonly socketDrops: JsonNumber;
  /** Times that a window of zero was advertised (ToZeroWindowAdv). */
  readonly zeroWindows: JsonNumber;
  readonly deliveredBytes: JsonNumber;
  /** The kernel refuses the provider with so little memory; then nothing was replayed. */
  readonly refused: boolean;
}

/** What `netmem size` answers. */
export interface SizeDocument {
  readonly schema: "netmem.size/1";
  readonly capture: {
    readonly path: string;
    readonly sha256: string;
    readonly packets: JsonNumber;
  };
  readonly reproduce: string;
  readonly provider: string;
  readonly driver: string;
  readonly queues: number;
  readonly bufferSizeBytes: number;
  readonly holdNs: number;
  /** The smallest ring with no drops, and with it the smallest area; null where there is none. */
  readonly answer: {
    readonly areaBytes: number;
    readonly netmems: number;
    readonly ring: number;
  } | null;
  /** Why there is no answer; null where there is one. */
  readonly reason: string | null;
  /** Every replay, by ring, then by area. */
  readonly points: readonly SizePoint[];
}
