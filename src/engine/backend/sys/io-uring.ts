/** io_uring (include/uapi/linux/io_uring.h, io_uring/zcrx.h). Flags of io_uring_setup. */
export const IORING_SETUP_CQSIZE = 1 << 3;
export const IORING_SETUP_SUBMIT_ALL = 1 << 7;
export const IORING_SETUP_CQE32 = 1 << 11;
export const IORING_SETUP_SINGLE_ISSUER = 1 << 12;
export const IORING_SETUP_DEFER_TASKRUN = 1 << 13;

/** Offsets of mmap, and the flag of io_uring_enter that runs completions. */
export const IORING_OFF_SQ_RING = 0;
export const IORING_OFF_SQES = 0x10000000;
export const IORING_ENTER_GETEVENTS = 1;

/** Operations. */
export const IORING_OP_ASYNC_CANCEL = 14;
export const IORING_OP_RECV_ZC = 58;
export const IORING_RECV_MULTISHOT = 2;
export const IORING_CQE_F_MORE = 2;

/** io_uring_register: an interface queue, and commands to it. */
export const IORING_REGISTER_ZCRX_IFQ = 32;
export const IORING_REGISTER_ZCRX_CTRL = 36;
export const ZCRX_CTRL_FLUSH_RQ = 0;
/** No device: every byte is copied, by definition. */
export const ZCRX_REG_NODEV = 2;
/** The region is memory of the user. */
export const IORING_MEM_REGION_TYPE_USER = 1;
/** Ask for the kernel's own count of copies. */
export const ZCRX_EVENT_DESC_STATS = 1;

/** Bytes of a submission, of a large completion, and of a refill entry. */
export const SQE_BYTES = 64;
export const CQE_BYTES = 32;
export const RQE_BYTES = 16;
/** Bits of a completion's offset that say where in the area it is. */
export const ZCRX_AREA_MASK = 0xffff_ffff_ffffn;
