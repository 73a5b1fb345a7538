/** Numbers of system calls that the C library has no function for (arch/.../syscall*.tbl). */
interface Numbers {
  readonly perf_event_open: number;
  readonly bpf: number;
  readonly io_uring_setup: number;
  readonly io_uring_enter: number;
  readonly io_uring_register: number;
  readonly recvmsg: number;
  readonly fcntl: number;
  readonly ftruncate: number;
  readonly memfd_create: number;
}

const BY_ARCH: Readonly<Record<string, Numbers>> = {
  x64: {
    perf_event_open: 298,
    bpf: 321,
    io_uring_setup: 425,
    io_uring_enter: 426,
    io_uring_register: 427,
    recvmsg: 47,
    fcntl: 72,
    ftruncate: 77,
    memfd_create: 319,
  },
  arm64: {
    perf_event_open: 241,
    bpf: 280,
    io_uring_setup: 425,
    io_uring_enter: 426,
    io_uring_register: 427,
    recvmsg: 212,
    fcntl: 25,
    ftruncate: 46,
    memfd_create: 279,
  },
};

/** The numbers of this machine's architecture; -1 (no such call) on an unknown one. */
export const SYSCALL: Numbers = BY_ARCH[process.arch] ?? {
  perf_event_open: -1,
  bpf: -1,
  io_uring_setup: -1,
  io_uring_enter: -1,
  io_uring_register: -1,
  recvmsg: -1,
  fcntl: -1,
  ftruncate: -1,
  memfd_create: -1,
};
