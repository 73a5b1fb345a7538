import { must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import type { Direction, Endpoint } from "../flows/direction.js";
import { setReceiveMemory } from "../net/receive-memory.js";
import {
  AF_INET,
  AF_INET6,
  IP_TRANSPARENT,
  IPV6_TRANSPARENT,
  SK_MEMINFO_VARS,
  SO_MEMINFO,
  SO_OOBINLINE,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
} from "../sys/socket.js";
import {
  SOL_TCP,
  TCP_NO_QUEUE,
  TCP_QUEUE_SEQ,
  TCP_RECV_QUEUE,
  TCP_REPAIR,
  TCP_REPAIR_OFF_NO_WP,
  TCP_REPAIR_ON,
  TCP_REPAIR_OPTIONS,
  TCP_REPAIR_QUEUE,
  TCP_REPAIR_WINDOW,
  TCP_SEND_QUEUE,
  TCPOPT_MSS,
  TCPOPT_SACK_PERM,
  TCPOPT_TIMESTAMP,
  TCPOPT_WINDOW,
} from "../sys/tcp.js";

/** What a socket advertises and never uses: it sends nothing but ACKs. */
const OWN_MSS = 1460;
/** The largest shift (RFC 7323), so that no window of a capture is too large for the socket. */
const WINDOW_SHIFT = 14;
/** Window of the peer; only what we would send depends on it. */
const PEER_WINDOW = 65535;
/** Receive buffer where none is asked for: what is read late must not be refused before. */
const RCVBUF_BYTES = 64 * 1024 * 1024;

/** One 32-bit value for setsockopt. Used again and again: setsockopt has read it on return. */
const word = Buffer.alloc(4);
const window = Buffer.alloc(20);
const address4 = Buffer.alloc(16);
const address6 = Buffer.alloc(28);
const options = Buffer.alloc(32);
const length = Buffer.alloc(4);
const meminfo = Buffer.alloc(SK_MEMINFO_VARS * 4);

function set(fd: number, level: number, name: number, value: number, what: string): void {
  word.writeInt32LE(value | 0);
  must(libc().setsockopt(fd, level, name, word, 4), what);
}

/** struct sockaddr_in or sockaddr_in6 of an endpoint on the run's wire. */
function addressOf({ wireAddress, wirePort }: Endpoint): Buffer {
  if (wireAddress.length === 4) {
    address4.writeUInt16LE(AF_INET, 0);
    address4.writeUInt16BE(wirePort, 2);
    address4.set(wireAddress, 4);
    return address4;
  }
  address6.writeUInt16LE(AF_INET6, 0);
  address6.writeUInt16BE(wirePort, 2);
  address6.set(wireAddress, 8);
  return address6;
}

/**
 * Opens a socket in the middle of a connection that it never had: the receiver of a direction, at
 * the capture's own sequence numbers (TCP_REPAIR, net/ipv4/tcp.c: do_tcp_setsockopt).
 *
 *      REPAIR on -> sequence numbers -> connect: ESTABLISHED at once -> options, window -> off
 *
 * It reads urgent bytes in line, never probes, and sends ACKs alone.
 *
 * @param rcvbuf bytes of SO_RCVBUF, `auto` for the kernel's autotuning, `capture` for plenty.
 * @returns the descriptor, which does not block.
 */
export function openRepaired(direction: Direction, rcvbuf: "capture" | "auto" | number): number {
  const family = direction.v6 ? AF_INET6 : AF_INET;
  const fd = socketWith(family, rcvbuf === "capture" ? RCVBUF_BYTES : rcvbuf);
  try {
    configure(fd, direction);
    return fd;
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/**
 * A socket with a receive buffer of `rcvbuf` bytes. SO_RCVBUFFORCE needs CAP_NET_ADMIN of the first
 * user namespace, and SO_RCVBUF stops at net.core.rmem_max, 208 KiB on most machines. Who has
 * neither says in the run's own network namespace what a new socket begins with.
 */
function socketWith(family: number, rcvbuf: "auto" | number): number {
  const fd = newSocket(family);
  if (rcvbuf === "auto" || buffered(fd, SO_RCVBUFFORCE, rcvbuf)) return fd;
  if (receiveBufferOf(fd) === rcvbuf) return fd;
  if (setReceiveMemory(rcvbuf)) {
    libc().close(fd);
    return newSocket(family);
  }
  buffered(fd, SO_RCVBUF, rcvbuf);
  return fd;
}

function newSocket(family: number): number {
  return must(libc().socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
}

/** Asks for a receive buffer; whether the kernel gave an answer other than no. */
function buffered(fd: number, option: number, bytes: number): boolean {
  // The kernel doubles what it is given, to have room for its own structures.
  word.writeInt32LE(Math.ceil(bytes / 2));
  return libc().setsockopt(fd, SOL_SOCKET, option, word, 4) === 0;
}

function configure(fd: number, direction: Direction): void {
  if (direction.v6) set(fd, SOL_IPV6, IPV6_TRANSPARENT, 1, "IPV6_TRANSPARENT");
  else set(fd, SOL_IP, IP_TRANSPARENT, 1, "IP_TRANSPARENT");
  set(fd, SOL_SOCKET, SO_OOBINLINE, 1, "SO_OOBINLINE");
  set(fd, SOL_TCP, TCP_REPAIR, TCP_REPAIR_ON, "TCP_REPAIR");
  const own = addressOf(direction.to);
  must(libc().bind(fd, own, own.length), "bind");
  set(fd, SOL_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE, "TCP_REPAIR_QUEUE");
  set(fd, SOL_TCP, TCP_QUEUE_SEQ, direction.ack, "TCP_QUEUE_SEQ");
  set(fd, SOL_TCP, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE, "TCP_REPAIR_QUEUE");
  set(fd, SOL_TCP, TCP_QUEUE_SEQ, direction.start, "TCP_QUEUE_SEQ");
  const peer = addressOf(direction.from);
  must(libc().connect(fd, peer, peer.length), "connect");
  setOptions(fd, direction);
  setWindow(fd, direction);
  set(fd, SOL_TCP, TCP_REPAIR_QUEUE, TCP_NO_QUEUE, "TCP_REPAIR_QUEUE");
  set(fd, SOL_TCP, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP, "TCP_REPAIR");
}

/** struct tcp_repair_opt: what the handshake would have agreed on. */
function setOptions(fd: number, direction: Direction): void {
  let at = 0;
  const put = (code: number, value: number) => {
    options.writeUInt32LE(code, at);
    options.writeUInt32LE(value, at + 4);
    at += 8;
  };
  put(TCPOPT_MSS, OWN_MSS);
  put(TCPOPT_WINDOW, WINDOW_SHIFT | (WINDOW_SHIFT << 16));
  if (direction.sack || direction.midStream) put(TCPOPT_SACK_PERM, 0);
  if (direction.timestamps) put(TCPOPT_TIMESTAMP, 0);
  must(libc().setsockopt(fd, SOL_TCP, TCP_REPAIR_OPTIONS, options, at), "TCP_REPAIR_OPTIONS");
}

/** struct tcp_repair_window: the receive window is as large as the buffer allows. */
function setWindow(fd: number, direction: Direction): void {
  word.fill(0);
  length.writeUInt32LE(4);
  must(libc().getsockopt(fd, SOL_SOCKET, SO_RCVBUF, word, length), "SO_RCVBUF");
  const receive = Math.min(word.readInt32LE() >> 1, PEER_WINDOW << WINDOW_SHIFT);
  window.writeInt32LE(direction.start, 0);
  window.writeUInt32LE(PEER_WINDOW, 4);
  window.writeUInt32LE(PEER_WINDOW, 8);
  window.writeUInt32LE(receive, 12);
  window.writeInt32LE(direction.start, 16);
  must(libc().setsockopt(fd, SOL_TCP, TCP_REPAIR_WINDOW, window, 20), "TCP_REPAIR_WINDOW");
}

/** sk_rcvbuf of a socket. */
export function receiveBufferOf(fd: number): number {
  length.writeUInt32LE(4);
  must(libc().getsockopt(fd, SOL_SOCKET, SO_RCVBUF, word, length), "SO_RCVBUF");
  return word.readInt32LE();
}

/** sk_rmem_alloc: what the receive queue and the out-of-order queue are charged. */
export function queuedBytesOf(fd: number): number {
  length.writeUInt32LE(meminfo.length);
  must(libc().getsockopt(fd, SOL_SOCKET, SO_MEMINFO, meminfo, length), "SO_MEMINFO");
  return meminfo.readUInt32LE(0);
}

/** Closes a socket without a word on the wire. */
export function closeSilently(fd: number): void {
  word.writeInt32LE(TCP_REPAIR_ON);
  libc().setsockopt(fd, SOL_TCP, TCP_REPAIR, word, 4);
  libc().close(fd);
}
