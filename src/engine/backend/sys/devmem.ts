/** devmem TCP (include/linux/socket.h, uapi/asm-generic/socket.h, uapi/linux/uio.h). */
export const MSG_SOCK_DEVMEM = 0x2000000;
export const SCM_DEVMEM_LINEAR = 78;
export const SCM_DEVMEM_DMABUF = 79;
export const SO_DEVMEM_DONTNEED = 80;
/** Tokens that one call takes at most (net/core/sock.c, MAX_DONTNEED_TOKENS). */
export const MAX_DONTNEED_TOKENS = 128;
/** Bytes of struct dmabuf_token, of struct dmabuf_cmsg, and of a cmsghdr. */
export const TOKEN_BYTES = 8;
export const DMABUF_CMSG_BYTES = 24;
export const CMSG_HDR_BYTES = 16;
/** Bytes of struct msghdr. */
export const MSGHDR_BYTES = 56;

/** A dma-buf out of a memfd (uapi/linux/udmabuf.h). */
export const UDMABUF_CREATE = 0x40187542;
export const UDMABUF_FLAGS_CLOEXEC = 1;
export const MFD_ALLOW_SEALING = 2;
export const F_ADD_SEALS = 1033;
export const F_SEAL_SHRINK = 2;

/** Generic netlink family `netdev` (uapi/linux/netdev.h). */
export const NETDEV_CMD_PAGE_POOL_GET = 5;
export const NETDEV_CMD_PAGE_POOL_STATS_GET = 9;
export const NETDEV_CMD_BIND_RX = 13;
export const NETDEV_A_DMABUF_IFINDEX = 1;
export const NETDEV_A_DMABUF_QUEUES = 2;
export const NETDEV_A_DMABUF_FD = 3;
export const NETDEV_A_DMABUF_ID = 4;
export const NETDEV_A_QUEUE_ID = 1;
export const NETDEV_A_QUEUE_TYPE = 3;
export const NETDEV_QUEUE_TYPE_RX = 0;
