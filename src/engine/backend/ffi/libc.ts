import { clib } from "./koffi.js";

/**
 * The C library's calls that the backends make. Addresses and lengths are numbers; a Buffer is
 * lent for the call. All of them answer -1 and set errno on failure.
 */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  close(fd: number): number;
  ioctl(fd: number, request: number, arg: Uint8Array): number;
  bind(fd: number, address: Uint8Array, len: number): number;
  connect(fd: number, address: Uint8Array, len: number): number;
  listen(fd: number, backlog: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, len: number): number;
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, len: Uint8Array): number;
  getsockname(fd: number, address: Uint8Array, len: Uint8Array): number;
  send(fd: number, bytes: Uint8Array, len: number, flags: number): number;
  /** sendto without data or address: what kicks a ring. */
  sendto(fd: number, at: number, len: number, flags: number, to: number, toLen: number): number;
  recv(fd: number, at: number, len: number, flags: number): number;
  write(fd: number, at: number, len: number): number;
  read(fd: number, at: number, len: number): number;
  open(path: string, flags: number, mode: number): number;
  mmap(at: number, len: number, prot: number, flags: number, fd: number, offset: number): number;
  munmap(at: number, len: number): number;
  madvise(at: number, len: number, advice: number): number;
  poll(fds: Uint8Array, count: number, timeoutMs: number): number;
  unshare(flags: number): number;
  setns(fd: number, flags: number): number;
  prctl(option: number, a: number, b: number, c: number, d: number): number;
  mount(source: string, target: string, type: string, flags: number, data: number): number;
  umount2(target: string, flags: number): number;
  if_nametoindex(name: string): number;
  getppid(): number;
  sched_getcpu(): number;
  sched_getaffinity(pid: number, bytes: number, mask: Uint8Array): number;
  sched_setaffinity(pid: number, bytes: number, mask: Uint8Array): number;
  syscall(n: number, a: number, b: number, c: number, d: number, e: number, f: number): number;
}

const SIGNATURES: Readonly<Record<keyof Libc, string>> = {
  socket: "int socket(int, int, int)",
  close: "int close(int)",
  ioctl: "int ioctl(int, ulong, void *)",
  bind: "int bind(int, const void *, uint32_t)",
  connect: "int connect(int, const void *, uint32_t)",
  listen: "int listen(int, int)",
  setsockopt: "int setsockopt(int, int, int, const void *, uint32_t)",
  getsockopt: "int getsockopt(int, int, int, void *, void *)",
  getsockname: "int getsockname(int, void *, void *)",
  send: "int64_t send(int, const void *, size_t, int)",
  sendto: "int64_t sendto(int, int64_t, size_t, int, int64_t, uint32_t)",
  recv: "int64_t recv(int, int64_t, size_t, int)",
  write: "int64_t write(int, int64_t, size_t)",
  read: "int64_t read(int, int64_t, size_t)",
  open: "int open(const char *, int, int)",
  mmap: "int64_t mmap(int64_t, size_t, int, int, int, int64_t)",
  munmap: "int munmap(int64_t, size_t)",
  madvise: "int madvise(int64_t, size_t, int)",
  poll: "int poll(void *, uint64_t, int)",
  unshare: "int unshare(int)",
  setns: "int setns(int, int)",
  prctl: "int prctl(int, int64_t, int64_t, int64_t, int64_t)",
  mount: "int mount(const char *, const char *, const char *, uint64_t, int64_t)",
  umount2: "int umount2(const char *, int)",
  if_nametoindex: "uint32_t if_nametoindex(const char *)",
  getppid: "int getppid()",
  sched_getcpu: "int sched_getcpu()",
  sched_getaffinity: "int sched_getaffinity(int, size_t, void *)",
  sched_setaffinity: "int sched_setaffinity(int, size_t, const void *)",
  syscall: "int64_t syscall(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t)",
};

let bound: Libc | undefined;

/**
 * The calls, bound once a process.
 *
 * @throws Unavailable where koffi is not installed.
 */
export function libc(): Libc {
  if (bound === undefined) {
    const library = clib();
    const calls = Object.entries(SIGNATURES).map(([name, text]) => [name, library.func(text)]);
    bound = Object.fromEntries(calls) as Libc;
  }
  return bound;
}
