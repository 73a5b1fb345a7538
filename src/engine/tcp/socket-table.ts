import type { Costs } from "../clock/costs.js";
import type { Rebased, VirtualClock } from "../clock/virtual-clock.js";
import type { KernelProfile } from "../kernel/profile.js";
import type { CpuContext } from "../netmem/netmem-return.js";
import type { Counters } from "../probe/counters.js";
import type { StageProbe } from "../probe/stages.js";
import type { SkbSlab } from "../skb/skb-slab.js";
import { OfoTree } from "./ofo-tree.js";
import type { SocketEvents } from "./socket-face.js";

/**
 * The receiving sockets. A connection is two of them: socket 2c receives what the lower of the two
 * endpoints sends, socket 2c+1 what the higher one sends. "The socket's peer" is the sender of that
 * direction; what the receiver itself sent stands in the packets of the other socket (`sock ^ 1`).
 *
 *      hot    [key lo|hi|ports][flags][rcv_nxt][edge][head|tail][rmem|rcvbuf][copied]
 *             [ts_recent][out ack][rcv_wup][ssthresh][clamp]                       64 bytes
 *             [rcv_wnd][mwnd][rcv_mss][last][ratio][ato][quick][lrcv][delack]
 *             [rtt seq|us][space|seq][tsecr|tsval][scale]                          64 bytes
 *      cold   [isn][start][ofo root|last|count][sacks][dsack] ...                 128 bytes
 *      wide   [delivered][rtt start ns][space start ns][early ACK ns]              32 bytes
 *
 * A packet that header prediction takes touches the first 64 bytes and, for what an ACK would need
 * (ACK.md section 0), the second 64. All arrays are replaced when they grow: read them afresh after
 * anything that may open a socket.
 */

/** `sock << SOCK_SHIFT` is a socket's first word in `hot` and in `cold`. */
export const SOCK_SHIFT = 5;
/** The key of the connection, the same in both of its sockets; for IPv6 KEY_LO indexes `v6Keys`. */
export const H_KEY_LO = 0;
export const H_KEY_HI = 1;
export const H_PORTS = 2;
/** F_ flags below; the upper 16 bits hold the peer's last raw window field. */
export const H_FLAGS = 3;
export const H_RCV_NXT = 4;
/** Right edge of the receive window: rcv_wup + rcv_wnd, never moved to the left. */
export const H_EDGE = 5;
/** Receive queue: first and last skb, or -1. */
export const H_HEAD = 6;
export const H_TAIL = 7;
/** sk_rmem_alloc and sk_rcvbuf, bytes of truesize. */
export const H_RMEM = 8;
export const H_RCVBUF = 9;
export const H_COPIED = 10;
export const H_TS_RECENT = 11;
/** The ACK field that the peer's packets carried last. */
export const H_OUT_ACK = 12;
export const H_RCV_WUP = 13;
export const H_SSTHRESH = 14;
export const H_CLAMP = 15;
export const A_RCV_WND = 16;
/** rcv_mwnd_seq: the largest right edge ever advertised. */
export const A_MWND = 17;
export const A_MSS = 18;
export const A_LAST_SEG = 19;
/** scaling_ratio in the low byte, own window scale in the next, advmss in the upper 16 bits. */
export const A_RATIO = 20;
export const A_ATO = 21;
/** quick in the low 16 bits, ACK_ flags above. */
export const A_QUICK = 22;
export const A_LRCV = 23;
/** Expiry of the delayed ACK, ms. */
export const A_DELACK = 24;
export const A_RTT_SEQ = 25;
/** Receive round trip in us, times 8; 0 before the first sample. */
export const A_RTT = 26;
export const A_SPACE = 27;
export const A_SPACE_SEQ = 28;
export const A_TSECR = 29;
export const A_TSVAL = 30;
/** Shift of the window fields that the peer sends, or -1 while unknown. */
export const A_SCALE = 31;

/** Words of `cold`; the first: the sequence number of the peer's SYN. */
export const C_ISN = 0;
/** Initial rcv_nxt. */
export const C_START = 1;
export const C_OFO_ROOT = 2;
/** ooo_last_skb: the node of the highest sequence number. */
export const C_OFO_LAST = 3;
export const C_OFO_COUNT = 4;
export const C_NUM_SACKS = 5;
/** Four pairs of start and end, newest first. */
export const C_SACKS = 6;
export const C_DSACK_START = 14;
export const C_DSACK_END = 15;
export const C_DSACK = 16;
export const C_COMPRESSED = 17;
export const C_COMPRESSED_NXT = 18;
export const C_DUP_ACKS = 19;
/** Whole seconds at which ts_recent was set (ts_recent_stamp). */
export const C_TS_STAMP = 20;
export const C_OOW_MS = 21;
/** Largest window seen in the capture, bytes. */
export const C_MAX_WND = 22;
/** The connection that had these endpoints before, as its number, or -1. */
export const C_PREV = 23;
export const C_PINGPONG = 24;
/** What the peer's own SYN offered: window scale (or -1) and MSS. */
export const C_SYN_SCALE = 25;
export const C_SYN_MSS = 26;
export const C_ARTEFACTS = 27;
/** Gaps that were open when the out-of-order queue was purged at the end. */
export const C_GAPS = 28;
/** ACK field that waits for its data (early-ack.ts), while ACK_EARLY is set. */
export const C_EARLY_ACK = 29;
/** rmem_alloc when the queues were collapsed last, and times that was put off since. */
export const C_COLLAPSED = 30;
export const C_PUT_OFF = 31;

/** `sock * WIDE` is a socket's first value in `wide`. */
export const WIDE = 4;
export const W_DELIVERED = 0;
export const W_RTT_NS = 1;
export const W_SPACE_NS = 2;
/** When the ACK at C_EARLY_ACK was handed up; infinite once it was counted. */
export const W_EARLY_NS = 3;

/** Header prediction is on: established, nothing out of order, nothing ended. */
export const F_PRED = 1;
/** The reader was told and has not run dry since. */
export const F_TOLD = 2;
/** rcv_nxt is known. */
export const F_INIT = 4;
/** The peer's SYN was seen. */
export const F_SYN = 8;
/** FIN consumed in order. */
export const F_FIN = 16;
/** RST accepted. */
export const F_RST = 32;
/** close() was called. */
export const F_CLOSED = 64;
/** The acceptance window is the model's own, not the capture's. */
export const F_OWN = 128;
export const F_TS_OK = 256;
/** Started without the peer's SYN. */
export const F_MID = 512;
export const F_SACK_PERM = 1024;
/** Payload was accepted. */
export const F_DATA = 2048;
export const F_V6 = 4096;
/** The peer's ISN is known (from its SYN, or from the SYN-ACK that answers it). */
export const F_ISN = 8192;
/** ts_recent holds a value. */
export const F_TS_RECENT = 16384;
/** The peer sent an ACK field. */
export const F_ACKED = 32768;

/** Flags of A_QUICK (icsk_ack.pending), from its bit 16 on. */
export const ACK_SCHED = 1;
export const ACK_TIMER = 2;
export const ACK_PUSHED = 4;
export const ACK_PUSHED2 = 8;
export const ACK_NOW = 16;
export const ACK_NOMEM = 32;
/** The capture showed an ACK of bytes beyond rcv_nxt; survives the ACKs that the model sends. */
export const ACK_EARLY = 64;

/**
 * Connections of one pass at most, about 0.6 KB each; a segment that would open one more is dropped
 * (NETMEM_TOO_MANY_SOCKETS). Sockets are kept to the end of the pass, since each is a row.
 */
export const MAX_CONNECTIONS = 4_194_304;

/** tcp_rmem[1]. */
export const RMEM_DEFAULT_BYTES = 131072;

/** `--rcvbuf`: as the capture's receiver had it, autotuned, or SO_RCVBUF in bytes. */
export type RcvbufPolicy = "capture" | "auto" | number;

/** What the TCP stack is built from. */
export interface TcpDeps {
  readonly slab: SkbSlab;
  /** Where SK_L3 and SK_L4 point into. */
  readonly arena: { readonly view: DataView };
  readonly clock: VirtualClock;
  readonly cpu: CpuContext;
  readonly costs: Costs;
  readonly stages: StageProbe;
  readonly profile: KernelProfile;
  /** Counters over DROP_REASONS. */
  readonly drops: Counters;
  readonly events: SocketEvents;
  readonly rcvbuf: RcvbufPolicy;
  /** Seed of the connection hash. */
  readonly seed: number;
  /** Connections to make room for at first, a power of two; default 1024. */
  readonly connections?: number;
  /** Connections at most; default {@link MAX_CONNECTIONS}. */
  readonly maxConnections?: number;
}

/** See the head of this file. */
export class SocketTable implements Rebased {
  hot: Int32Array;
  cold: Int32Array;
  wide: Float64Array;
  /** Source and destination words of IPv6 connections, lower endpoint first, 8 a connection. */
  v6Keys = new Int32Array(8 * 64);
  v6Count = 0;
  /** Connections opened so far. */
  connections = 0;
  events: SocketEvents;
  readonly slab: SkbSlab;
  readonly ofo: OfoTree;
  readonly mib: Float64Array;
  /** Values over TCP_ARTEFACTS. */
  readonly artefacts: Float64Array;
  readonly drops: Float64Array;
  readonly clock: VirtualClock;
  readonly cpu: CpuContext;
  readonly costs: Costs;
  readonly stages: StageProbe;
  readonly profile: KernelProfile;
  readonly view: DataView;
  readonly policy: RcvbufPolicy;
  readonly maxConnections: number;
  #capacity: number;
  #rebasedMs = 0;

  constructor(deps: TcpDeps, mib: Float64Array, artefacts: Float64Array) {
    this.#capacity = (deps.connections ?? 1024) * 2;
    this.hot = new Int32Array(this.#capacity << SOCK_SHIFT);
    this.cold = new Int32Array(this.#capacity << SOCK_SHIFT);
    this.wide = new Float64Array(this.#capacity * WIDE);
    this.slab = deps.slab;
    this.ofo = new OfoTree(deps.slab);
    this.mib = mib;
    this.artefacts = artefacts;
    this.drops = deps.drops.values;
    this.clock = deps.clock;
    this.cpu = deps.cpu;
    this.costs = deps.costs;
    this.stages = deps.stages;
    this.profile = deps.profile;
    this.view = deps.arena.view;
    this.policy = deps.rcvbuf;
    this.maxConnections = deps.maxConnections ?? MAX_CONNECTIONS;
    this.events = deps.events;
    deps.clock.follow(this);
  }

  /** Model time now, with the work done so far in the present context. */
  nowNs(): number {
    return this.clock.nowNs + this.cpu.spentNs;
  }

  /** Model time as the kernel's millisecond clock: int32 that wraps; only differences count. */
  nowMs(): number {
    return (((this.clock.nowNs * 1e-6) | 0) + this.#rebasedMs) | 0;
  }

  /** Model time in whole seconds from the capture's start (ktime_get_seconds), as int32. */
  nowSeconds(): number {
    return (this.clock.epochSeconds + this.clock.nowNs * 1e-9) | 0;
  }

  /** Opens a connection's two sockets and returns the connection's number. May replace arrays. */
  open(keyLo: number, keyHi: number, ports: number, v6: boolean, previous: number): number {
    const connection = this.connections++;
    const first = connection * 2;
    if (first + 2 > this.#capacity) this.#grow();
    for (let sock = first; sock < first + 2; sock++) {
      const at = sock << SOCK_SHIFT;
      const { hot, cold, wide } = this;
      hot.fill(0, at, at + (1 << SOCK_SHIFT));
      cold.fill(0, at, at + (1 << SOCK_SHIFT));
      wide.fill(0, sock * WIDE, sock * WIDE + WIDE);
      hot[at + H_KEY_LO] = keyLo;
      hot[at + H_KEY_HI] = keyHi;
      hot[at + H_PORTS] = ports;
      hot[at + H_FLAGS] = F_OWN | (v6 ? F_V6 : 0);
      hot[at + H_HEAD] = -1;
      hot[at + H_TAIL] = -1;
      hot[at + A_SCALE] = -1;
      cold[at + C_OFO_ROOT] = -1;
      cold[at + C_OFO_LAST] = -1;
      cold[at + C_SYN_SCALE] = -1;
      cold[at + C_PREV] = previous;
    }
    return connection;
  }

  /** Forgets every socket; they must have been closed. The next one opened has number 0. */
  clear(): void {
    this.connections = 0;
    this.v6Count = 0;
  }

  rebase(deltaNs: number): void {
    this.#rebasedMs = (this.#rebasedMs + Math.round(deltaNs / 1e6)) | 0;
    for (let sock = 0; sock < this.connections * 2; sock++) {
      this.wide[sock * WIDE + W_RTT_NS]! -= deltaNs;
      this.wide[sock * WIDE + W_SPACE_NS]! -= deltaNs;
      this.wide[sock * WIDE + W_EARLY_NS]! -= deltaNs;
    }
  }

  #grow(): void {
    this.#capacity *= 2;
    const hot = new Int32Array(this.#capacity << SOCK_SHIFT);
    const cold = new Int32Array(this.#capacity << SOCK_SHIFT);
    const wide = new Float64Array(this.#capacity * WIDE);
    hot.set(this.hot);
    cold.set(this.cold);
    wide.set(this.wide);
    this.hot = hot;
    this.cold = cold;
    this.wide = wide;
  }
}
