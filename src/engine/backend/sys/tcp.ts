/** TCP socket options (include/uapi/linux/tcp.h). */
export const SOL_TCP = 6;
export const TCP_INFO = 11;
export const TCP_REPAIR = 19;
export const TCP_REPAIR_QUEUE = 20;
export const TCP_QUEUE_SEQ = 21;
export const TCP_REPAIR_OPTIONS = 22;
export const TCP_TIMESTAMP = 24;
export const TCP_REPAIR_WINDOW = 29;
export const TCP_ZEROCOPY_RECEIVE = 35;

/** Values of TCP_REPAIR: on, and off without a window probe. */
export const TCP_REPAIR_ON = 1;
export const TCP_REPAIR_OFF_NO_WP = -1;

/** Queues of TCP_REPAIR_QUEUE. */
export const TCP_NO_QUEUE = 0;
export const TCP_RECV_QUEUE = 1;
export const TCP_SEND_QUEUE = 2;

/** Option kinds as TCP_REPAIR_OPTIONS takes them. */
export const TCPOPT_MSS = 2;
export const TCPOPT_WINDOW = 3;
export const TCPOPT_SACK_PERM = 4;
export const TCPOPT_TIMESTAMP = 8;

/** TCP flags, header byte 13. */
export const TCP_FIN = 1;
export const TCP_SYN = 2;
export const TCP_RST = 4;
export const TCP_PSH = 8;
export const TCP_ACK = 16;
