import type { NativeOptions, NativePool } from "../backend.js";
import type { Injector, WirePacket } from "../inject/injector.js";
import type { Receiver } from "../receive/receiver.js";
import { ETH_HLEN } from "../sys/packet.js";

const PAGE = 4096;

/** How one of the kernel's TCP backends differs from the others. */
export interface TcpPath {
  readonly backend: string;
  /** @throws Unavailable */
  makeInjector(): Injector;
  makeReceiver(options: NativeOptions): Receiver;
  /** Bytes of a frame that lie in its skb's head and cannot be mapped; 0: headers alone. */
  readonly frameHeadBytes?: number;
  /** The account of the kernel's page_pool, once the wire and its sockets are gone. */
  settle?(): NativePool | null;
  /** Sentences for the report. */
  readonly notes: readonly string[];
  /** What `--hold` comes to, where that needs to be said. */
  readonly holdNote?: string;
}

/** `--hold` where pages are mapped. */
export const MAPPED_HOLD_NOTE =
  "--hold: mapped pages are held so long; what is copied holds nothing back";

/** Bytes of the whole pages that a packet's payload fills behind the head of its skb. */
export function wholePagesOf(packet: WirePacket, frameHeadBytes: number): number {
  const head = Math.max(0, frameHeadBytes - ETH_HLEN - packet.headerBytes);
  const behind = packet.bytes - packet.headerBytes - head;
  return behind <= 0 ? 0 : behind - (behind % PAGE);
}
