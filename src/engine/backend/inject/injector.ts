import type { Mapping } from "../ffi/memory.js";

/** Bytes that must be free in front of a packet: an injector may write there. */
export const INJECT_HEADROOM = 32;

/** One IP packet that lies in memory of a fixed address. */
export interface WirePacket {
  memory: Mapping;
  /** Offset of the IP header in `memory`; {@link INJECT_HEADROOM} bytes in front are free. */
  at: number;
  bytes: number;
  /** Bytes of the IP header, and of IP and TCP header together. */
  ipBytes: number;
  headerBytes: number;
  v6: boolean;
  /** The kernel may take the TCP checksum for right. */
  trusted: boolean;
}

/** A packet object that nothing was put into. */
export function noPacket(memory: Mapping, trusted: boolean): WirePacket {
  return { memory, at: 0, bytes: 0, ipBytes: 0, headerBytes: 0, v6: false, trusted };
}

/** Puts packets onto the run's wire. The packet object is the caller's and used again. */
export interface Injector {
  /** Name of the interface by which the packets come in. */
  readonly device: string;
  /** Times each byte is copied until the kernel's stack has it. */
  readonly copies: number;
  /** Packets that the kernel did not take. */
  readonly refused: number;
  /** True once the packet is on its way; it may be read until {@link flush} returns. */
  inject(packet: WirePacket): void;
  /** Everything injected so far has been handed to the kernel. */
  flush(): void;
  /** Whether what was flushed may still be under way to its socket. */
  readonly asynchronous: boolean;
  close(): void;
}
