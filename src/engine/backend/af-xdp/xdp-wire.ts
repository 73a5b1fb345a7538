import { attachXdp, createXskMap, loadXdp, redirectProgram } from "../bpf/program.js";
import { libc } from "../ffi/libc.js";

/** What brings frames to an interface whose XDP program hands them to an AF_XDP socket. */
export interface XdpWire {
  /** The interface, and its queue that the socket is bound to. */
  readonly device: string;
  readonly ifindex: number;
  readonly queue: number;
  /** The map that the socket goes into. */
  readonly map: number;
  /** Whether a frame is in the UMEM, or lost, when {@link send} returns. */
  readonly synchronous: boolean;
  /** How frames get in, for the report. */
  readonly note: string;
  /** Sends the `len` bytes at `address`; false where they are not taken. */
  send(address: number, len: number, linkType: number): boolean;
  close(): void;
}

/** A program at an interface that redirects to the sockets in its map. */
export class XdpAttachment {
  readonly map: number;
  readonly #link: number;

  /**
   * @param flags how it is attached; 0 is in the driver where that can be.
   * @throws Unavailable where programs cannot be loaded.
   */
  constructor(ifindex: number, queues: number, flags: number) {
    this.map = createXskMap(queues);
    let program = -1;
    try {
      program = loadXdp(redirectProgram(this.map), true);
      this.#link = attachXdp(program, ifindex, flags);
    } catch (error) {
      libc().close(this.map);
      throw error;
    } finally {
      if (program >= 0) libc().close(program);
    }
  }

  /** The program leaves the interface. */
  close(): void {
    libc().close(this.#link);
    libc().close(this.map);
  }
}
