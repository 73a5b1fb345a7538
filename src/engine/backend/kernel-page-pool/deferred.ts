import { must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from "../sys/socket.js";

/** CPUs that a mask has room for. */
const MASK_BYTES = 128;
/** struct sockaddr_in. */
const ADDRESS_BYTES = 16;

/**
 * Lets every CPU free the skbs that wait there. An skb that is read on another CPU than the one
 * that received it goes on that one's list (net/core/skbuff.c: skb_attempt_defer_free), which is
 * emptied when the CPU receives again (skb_defer_free_flush): a datagram over the loopback on each
 * does that. Without it a page_pool is destroyed with pages in flight that nobody holds.
 *
 * This CPU comes first: to be moved to one that is busy takes as long as that lets us wait.
 */
export function flushDeferred(): void {
  const allowed = Buffer.alloc(MASK_BYTES);
  const { sched_getaffinity, sched_getcpu, sched_setaffinity } = libc();
  if (sched_getaffinity(0, MASK_BYTES, allowed) < 0) return;
  const socket = talkingToItself();
  const word = Buffer.alloc(4);
  try {
    const here = Math.max(sched_getcpu(), 0);
    for (let i = 0; i < MASK_BYTES * 8; i++) {
      const cpu = i === 0 ? here : i - 1 < here ? i - 1 : i;
      if ((allowed[cpu >>> 3]! & (1 << (cpu & 7))) === 0) continue;
      const mask = Buffer.alloc(MASK_BYTES);
      mask[cpu >>> 3] = 1 << (cpu & 7);
      if (sched_setaffinity(0, MASK_BYTES, mask) < 0) continue;
      must(libc().send(socket, word, 1, 0), "send over the loopback");
    }
  } finally {
    sched_setaffinity(0, MASK_BYTES, allowed);
    libc().close(socket);
  }
}

/**
 * A UDP socket that is its own peer. A port that nobody has would answer each datagram with an
 * error, which the next one is refused with.
 */
function talkingToItself(): number {
  const { socket, bind, getsockname, connect } = libc();
  const fd = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  const address = Buffer.alloc(ADDRESS_BYTES);
  const length = Buffer.alloc(4);
  address.writeUInt16LE(AF_INET, 0);
  address.set([127, 0, 0, 1], 4);
  length.writeUInt32LE(ADDRESS_BYTES);
  try {
    must(bind(fd, address, ADDRESS_BYTES), "bind to the loopback");
    must(getsockname(fd, address, length), "getsockname");
    must(connect(fd, address, ADDRESS_BYTES), "connect to itself");
  } catch (error) {
    libc().close(fd);
    throw error;
  }
  return fd;
}
