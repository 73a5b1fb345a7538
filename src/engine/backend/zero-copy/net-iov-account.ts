import { eventFormats } from "../trace/tracefs.js";
import { TracepointCounter } from "../trace/tracepoint.js";
import { Unavailable } from "../unavailable.js";

const HOLD = "page_pool/page_pool_state_hold";
const RELEASE = "page_pool/page_pool_state_release";
/** The lowest bit of a netmem_ref says that it is no page (include/net/netmem.h, NET_IOV). */
const NET_IOVS = "netmem & 1";

/**
 * Netmems of providers that entered and left the accounts of page pools, over the kernel's
 * tracepoints (include/trace/events/page_pool.h): hold minus release is what is in flight. Of the
 * whole machine: where another program uses a provider, its netmems are among them.
 */
export class NetIovAccount {
  readonly #hold: TracepointCounter;
  readonly #release: TracepointCounter;

  private constructor() {
    const [hold, release] = eventFormats([HOLD, RELEASE]);
    this.#hold = new TracepointCounter(hold!.id, NET_IOVS);
    this.#release = new TracepointCounter(release!.id, NET_IOVS);
  }

  /** Begins to count; null where this user or this kernel cannot. */
  static open(): NetIovAccount | null {
    try {
      return new NetIovAccount();
    } catch (error) {
      if (error instanceof Unavailable) return null;
      throw error;
    }
  }

  /** Since it was opened. */
  read(): { readonly hold: number; readonly release: number } {
    return { hold: this.#hold.read(), release: this.#release.read() };
  }
}
