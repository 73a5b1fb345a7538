/**
 * What work costs in model time. The figures are the model's, shaped after published measurements
 * (bench_page_pool_simple, zcrx cover letters); they are never printed as a kernel's. A named
 * table is part of the record, so that two runs can be told apart.
 */
export interface Costs {
  /** Interrupt to first poll. */
  readonly irqNs: number;
  /** One NAPI poll, before its first packet. */
  readonly pollNs: number;
  /** Driver work for one received packet: completion, skb, frags. */
  readonly packetNs: number;
  /** GRO work for one packet. */
  readonly groNs: number;
  /** TCP input for one skb in order. */
  readonly tcpNs: number;
  /** TCP input for one skb out of order. */
  readonly ofoNs: number;
  /** page_pool: cache hit, ring refill of the cache, provider or allocator call. */
  readonly poolFastNs: number;
  readonly poolRefillNs: number;
  readonly poolSlowNs: number;
  /** Reader wake-up, beside `--read-delay`. */
  readonly wakeNs: number;
  /** One system call. */
  readonly syscallNs: number;
  /** Reader's work for one skb frag. */
  readonly fragNs: number;
  /** Copy to the user, a KiB. */
  readonly copyNsPerKib: number;
  /** One devmem token handed out, and given back. */
  readonly tokenNs: number;
  /** One zcrx completion handed out, and one refill entry written. */
  readonly cqeNs: number;
  /** Wire time at top speed, picoseconds a byte. */
  readonly wirePsPerByte: number;
}

/** The default table: one core for softirq and one for the reader, 100 Gbit/s. */
export const DEFAULT_COSTS: Costs = {
  irqNs: 1000,
  pollNs: 150,
  packetNs: 60,
  groNs: 20,
  tcpNs: 90,
  ofoNs: 180,
  poolFastNs: 6,
  poolRefillNs: 18,
  poolSlowNs: 48,
  wakeNs: 1500,
  syscallNs: 250,
  fragNs: 15,
  copyNsPerKib: 60,
  tokenNs: 20,
  cqeNs: 12,
  wirePsPerByte: 80,
};

/** The tables that `--cost` knows by name. */
export const COST_TABLES: Readonly<Record<string, Costs>> = {
  default: DEFAULT_COSTS,
  free: {
    irqNs: 0,
    pollNs: 0,
    packetNs: 0,
    groNs: 0,
    tcpNs: 0,
    ofoNs: 0,
    poolFastNs: 0,
    poolRefillNs: 0,
    poolSlowNs: 0,
    wakeNs: 0,
    syscallNs: 0,
    fragNs: 0,
    copyNsPerKib: 0,
    tokenNs: 0,
    cqeNs: 0,
    wirePsPerByte: 80,
  },
};
