import { EAGAIN, EPERM, errno, errnoName, must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { addressOf } from "../ffi/memory.js";
import {
  BPF_F_XDP_HAS_FRAGS,
  BPF_FUNC_REDIRECT_MAP,
  BPF_LINK_CREATE,
  BPF_MAP_CREATE,
  BPF_MAP_TYPE_XSKMAP,
  BPF_MAP_UPDATE_ELEM,
  BPF_PROG_LOAD,
  BPF_PROG_TYPE_XDP,
  BPF_XDP,
  XDP_PASS,
} from "../sys/bpf.js";
import { SYSCALL } from "../sys/syscalls.js";
import { Unavailable } from "../unavailable.js";

/** union bpf_attr, as much of it as is used. */
const ATTR_BYTES = 128;

/** How often a load that a signal broke off is tried again. */
const LOAD_ATTEMPTS = 20;

/** bpf(2); the attribute lives in a Buffer for the time of the call. */
function bpf(command: number, attr: Buffer): number {
  return libc().syscall(SYSCALL.bpf, command, addressOf(attr), attr.length, 0, 0, 0);
}

/** One instruction: [code u8][dst u4, src u4][offset s16][immediate s32]. */
function instruction(code: number, dst: number, src: number, off: number, imm: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes[0] = code;
  bytes[1] = (src << 4) | dst;
  bytes.writeInt16LE(off, 2);
  bytes.writeInt32LE(imm | 0, 4);
  return bytes;
}

/** Every packet goes on to the stack: `return XDP_PASS`. */
export function passProgram(): Buffer {
  return Buffer.concat([instruction(0xb7, 0, 0, 0, XDP_PASS), instruction(0x95, 0, 0, 0, 0)]);
}

/** Each packet goes to the socket of its queue: `return bpf_redirect_map(map, queue, XDP_PASS)`. */
export function redirectProgram(map: number): Buffer {
  return Buffer.concat([
    instruction(0x61, 2, 1, 16, 0),
    instruction(0x18, 1, 1, 0, map),
    instruction(0, 0, 0, 0, 0),
    instruction(0xb7, 3, 0, 0, XDP_PASS),
    instruction(0x85, 0, 0, 0, BPF_FUNC_REDIRECT_MAP),
    instruction(0x95, 0, 0, 0, 0),
  ]);
}

/**
 * Loads an XDP program; answers its descriptor.
 *
 * @param frags whether it may see packets of several pages (BPF_F_XDP_HAS_FRAGS).
 * @throws Unavailable where this user may not load programs.
 */
export function loadXdp(code: Buffer, frags: boolean): number {
  const licence = Buffer.from("Dual BSD/GPL\0");
  const attr = Buffer.alloc(ATTR_BYTES);
  attr.writeUInt32LE(BPF_PROG_TYPE_XDP, 0);
  attr.writeUInt32LE(code.length / 8, 4);
  attr.writeBigUInt64LE(BigInt(addressOf(code)), 8);
  attr.writeBigUInt64LE(BigInt(addressOf(licence)), 16);
  attr.writeUInt32LE(frags ? BPF_F_XDP_HAS_FRAGS : 0, 44);
  attr.writeUInt32LE(BPF_XDP, 68);
  let fd = bpf(BPF_PROG_LOAD, attr);
  // The verifier gives up when a signal is pending, a profiler's or a timer's.
  for (let more = LOAD_ATTEMPTS; fd < 0 && errno() === EAGAIN && more > 0; more--) {
    fd = bpf(BPF_PROG_LOAD, attr);
  }
  if (fd >= 0) return fd;
  throw refused("an XDP program cannot be loaded", errno());
}

/** Attaches a program to an interface until the answered descriptor is closed. */
export function attachXdp(program: number, ifindex: number, flags: number): number {
  const attr = Buffer.alloc(ATTR_BYTES);
  attr.writeUInt32LE(program, 0);
  attr.writeUInt32LE(ifindex, 4);
  attr.writeUInt32LE(BPF_XDP, 8);
  attr.writeUInt32LE(flags, 12);
  return must(bpf(BPF_LINK_CREATE, attr), "BPF_LINK_CREATE");
}

/** Makes a map from queue numbers to AF_XDP sockets. */
export function createXskMap(queues: number): number {
  const attr = Buffer.alloc(ATTR_BYTES);
  attr.writeUInt32LE(BPF_MAP_TYPE_XSKMAP, 0);
  attr.writeUInt32LE(4, 4);
  attr.writeUInt32LE(4, 8);
  attr.writeUInt32LE(queues, 12);
  const fd = bpf(BPF_MAP_CREATE, attr);
  if (fd >= 0) return fd;
  throw refused("a BPF map cannot be made", errno());
}

/** Puts a socket into the map. */
export function setXsk(map: number, queue: number, socket: number): void {
  const key = Buffer.alloc(4);
  const value = Buffer.alloc(4);
  key.writeUInt32LE(queue);
  value.writeUInt32LE(socket);
  const attr = Buffer.alloc(ATTR_BYTES);
  attr.writeUInt32LE(map, 0);
  attr.writeBigUInt64LE(BigInt(addressOf(key)), 8);
  attr.writeBigUInt64LE(BigInt(addressOf(value)), 16);
  must(bpf(BPF_MAP_UPDATE_ELEM, attr), "BPF_MAP_UPDATE_ELEM");
}

function refused(what: string, code: number): Unavailable {
  const remedy =
    code === EPERM
      ? "run as root of the machine (CAP_BPF in the first user namespace)"
      : "use a kernel with CONFIG_BPF_SYSCALL and CONFIG_XDP_SOCKETS";
  return new Unavailable("bpf", `${what} (${errnoName(code)})`, remedy);
}
