import type { LogLinearHistogram } from "../../probe/histogram.js";
import type { Holding } from "./holding.js";

/** How a socket's bytes get to the application. */
export interface Receiver {
  /** Bytes copied from kernel to user memory. */
  readonly copiedBytes: number;
  /** Bytes read where the kernel had put them. */
  readonly mappedBytes: number;
  /** Makes a socket ready to be read; its segments have `headerBytes` of IP and TCP headers. */
  open(fd: number, headerBytes: number): void;
  /**
   * Reads what is readable now and hands it to `take`, whose view is valid during the call.
   *
   * @param packetBytes of the first packet that was not read yet, where it is above 0: skbs that
   *   are joined keep the head of the first one.
   * @returns what ended the reading: {@link DRAINED}, or the stream's end.
   */
  read(fd: number, take: (bytes: Uint8Array) => void, packetBytes: number): ReadEnd;
  /** Gives up what is held of a socket that is about to be closed. */
  forget(fd: number): void;
  /** How long mapped pages were held, page by page. */
  readonly hold: LogLinearHistogram;
  /** Pages that are mapped and not given back. */
  readonly heldPages: number;
  /** What is held for a time after it was read (`--hold`); absent where nothing is. */
  readonly holding?: Holding;
  close(): void;
}

/** Why reading stopped. */
export type ReadEnd = typeof DRAINED | typeof ENDED | typeof RESET | typeof STALLED;
/** Nothing more is readable now. */
export const DRAINED = 0;
/** The FIN was read. */
export const ENDED = 1;
/** The connection was reset. */
export const RESET = 2;
/** All that the application can map is held; there may be more to read. */
export const STALLED = 3;
