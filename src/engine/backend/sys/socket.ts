/** Socket families, types and options (include/linux/socket.h, include/uapi/asm-generic). */
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const AF_XDP = 44;

/** Types of sockets, and flags that go with them. */
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

/** Options of any socket. */
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_RCVBUF = 8;
export const SO_OOBINLINE = 10;
export const SO_RCVBUFFORCE = 33;
export const SO_MEMINFO = 55;
/** SK_MEMINFO_VARS: words of 32 bits that SO_MEMINFO answers; the first is sk_rmem_alloc. */
export const SK_MEMINFO_VARS = 9;

/** Options of IP sockets. */
export const SOL_IP = 0;
export const IP_TRANSPARENT = 19;
export const SOL_IPV6 = 41;
export const IPV6_V6ONLY = 26;
export const IPV6_TRANSPARENT = 75;

/** Flag of recv and sendto. */
export const MSG_DONTWAIT = 0x40;

/** Event of poll. */
export const POLLIN = 1;

/** Flags of open. */
export const O_RDWR = 2;
export const O_RDONLY = 0;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
