/** perf_event_open(2) on tracepoints (include/uapi/linux/perf_event.h). */
export const PERF_TYPE_TRACEPOINT = 2;
export const PERF_ATTR_BYTES = 128;
export const PERF_FLAG_FD_CLOEXEC = 8;
export const PERF_SAMPLE_TID = 1 << 1;
export const PERF_SAMPLE_RAW = 1 << 10;
export const PERF_RECORD_SAMPLE = 9;

/** ioctl: counts and samples only what passes a filter such as `pool == 0xffff...`. */
export const PERF_EVENT_IOC_SET_FILTER = 0x40082406;

/** struct perf_event_mmap_page, the first page of a ring: where the data end and begin. */
export const PERF_DATA_HEAD = 1024;
export const PERF_DATA_TAIL = 1032;
