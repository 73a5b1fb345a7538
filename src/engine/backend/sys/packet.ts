/** Packet sockets (include/uapi/linux/if_packet.h). */
export const SOL_PACKET = 263;
export const PACKET_VERSION = 10;
export const PACKET_TX_RING = 13;
export const PACKET_VNET_HDR = 15;
export const PACKET_TX_HAS_OFF = 19;
export const PACKET_QDISC_BYPASS = 20;
export const TPACKET_V2 = 1;

/** Status words of a slot of a TX ring. */
export const TP_STATUS_AVAILABLE = 0;
export const TP_STATUS_SEND_REQUEST = 1;
export const TP_STATUS_SENDING = 2;
export const TP_STATUS_WRONG_FORMAT = 4;

/** Ethernet: bytes of the header, and types in the order of the wire. */
export const ETH_HLEN = 14;
export const ETH_P_IP = 0x0800;
export const ETH_P_IPV6 = 0x86dd;
