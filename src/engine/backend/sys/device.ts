/** Network devices: ioctls, flags, TUN/TAP (include/uapi/linux/sockios.h, if.h, if_tun.h). */
export const SIOCGIFFLAGS = 0x8913;
export const SIOCSIFFLAGS = 0x8914;
export const SIOCGIFMTU = 0x8921;
export const SIOCSIFMTU = 0x8922;
export const SIOCGIFHWADDR = 0x8927;

/** Interface flags. */
export const IFF_UP = 1;
export const IFF_RUNNING = 0x40;
export const IFF_NOARP = 0x80;
export const IFF_PROMISC = 0x100;

/** TUN/TAP: the ioctl that makes an interface, and its flags. */
export const TUNSETIFF = 0x400454ca;
export const IFF_TUN = 1;
export const IFF_TAP = 2;
export const IFF_NO_PI = 0x1000;
export const IFF_VNET_HDR = 0x4000;

/** Bytes of struct virtio_net_hdr, and its flag for a checksum that is still to be made. */
export const VNET_HDR_BYTES = 10;
export const VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;

/** The largest MTU that TUN and veth take. */
export const MAX_MTU = 65535;
