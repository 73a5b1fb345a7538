import { must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from "../sys/socket.js";

/** CPUs that a mask has room for. */
const MASK_BYTES = 128;
/** The discard port: nobody listens, and nobody need. */
const PORT = 9;

/**
 * Lets every CPU free the skbs that wait there. An skb that is read on another CPU than the one
 * that received it goes on that one's list (net/core/skbuff.c: skb_attempt_defer_free), which is
 * emptied when the CPU receives again: a datagram over the loopback on each does that. Without it
 * a page_pool is destroyed with pages in flight that nobody holds.
 */
export function flushDeferred(): void {
  const allowed = Buffer.alloc(MASK_BYTES);
  const { sched_getaffinity, sched_setaffinity } = libc();
  if (sched_getaffinity(0, MASK_BYTES, allowed) < 0) return;
  const socket = must(libc().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  try {
    const loopback = Buffer.from([
      AF_INET,
      0,
      PORT >>> 8,
      PORT,
      127,
      0,
      0,
      1,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    ]);
    libc().connect(socket, loopback, loopback.length);
    for (let cpu = 0; cpu < MASK_BYTES * 8; cpu++) {
      if ((allowed[cpu >>> 3]! & (1 << (cpu & 7))) === 0) continue;
      const mask = Buffer.alloc(MASK_BYTES);
      mask[cpu >>> 3] = 1 << (cpu & 7);
      if (sched_setaffinity(0, MASK_BYTES, mask) === 0) libc().send(socket, loopback, 1, 0);
    }
  } finally {
    sched_setaffinity(0, MASK_BYTES, allowed);
    libc().close(socket);
  }
}
