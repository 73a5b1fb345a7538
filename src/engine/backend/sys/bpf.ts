/** bpf(2): commands, types and flags (include/uapi/linux/bpf.h). */
export const BPF_MAP_CREATE = 0;
export const BPF_MAP_UPDATE_ELEM = 2;
export const BPF_PROG_LOAD = 5;
export const BPF_LINK_CREATE = 28;
export const BPF_MAP_TYPE_XSKMAP = 17;
export const BPF_PROG_TYPE_XDP = 6;
export const BPF_XDP = 37;
export const BPF_F_XDP_HAS_FRAGS = 32;
export const BPF_FUNC_REDIRECT_MAP = 51;

/** How an XDP program is attached: in the stack, or in the driver. */
export const XDP_FLAGS_SKB_MODE = 2;
export const XDP_FLAGS_DRV_MODE = 4;

/** What an XDP program answers when the packet goes on to the stack. */
export const XDP_PASS = 2;
