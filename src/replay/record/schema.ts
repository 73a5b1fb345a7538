import * as z from "zod";
import { MAX_OWNER_POINTS } from "./limits.js";
import { OWNERS, POOL_COUNTERS, RECORD_SCHEMA, STREAM_ENDS, SUITE_SCHEMA } from "./names.js";
import { countSchema, machineSchema, toolSchema, warningSchema } from "./parts.js";
import { intervalsSchema, ownerPointSchema, realIntervalsSchema } from "./series-schema.js";

/**
 * The record of a run, `netmem.record/1`, and of several captures, `netmem.suite/1`.
 *
 *      record -- netmem, reproduce, config, warnings
 *             -- capture                      what was read, and what of it was damaged
 *             -- runs[] -- one a provider     what happened to it, host clock apart in `host`
 *      suite  -- records[], failed[], summary
 *
 * Everything outside `host` is the same bit for bit when the same inputs are run again on the
 * memory backend. Whole numbers are JSON numbers below 2^53, else decimal strings.
 */

const count = countSchema;
const counts = z.record(z.string(), count);
const port = z.int().min(0).max(65535);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const pacing = z.discriminatedUnion("mode", [
  z.strictObject({ mode: z.literal("recorded"), multiplier: z.number().positive() }),
  z.strictObject({ mode: z.literal("pps"), pps: z.number().positive() }),
  z.strictObject({ mode: z.literal("mbps"), mbps: z.number().positive() }),
  z.strictObject({ mode: z.literal("topspeed") }),
]);

/** Resolved settings; the values of flags that only say what to print are not among them. */
export const configSchema = z
  .strictObject({
    provider: z.array(z.string()).min(1),
    backend: z.string().describe("names of the backends, comma-separated"),
    kernel: z.string(),
    driver: z.string(),
    queues: z.int(),
    ring: z.int(),
    budget: z.int(),
    areaBytes: count,
    bufferSizeBytes: z.int(),
    hds: z.strictObject({ mode: z.enum(["on", "off", "fail"]), failEvery: z.int() }),
    steer: z.string(),
    rxUsecs: z.int(),
    rxFrames: z.int(),
    readDelayNs: count,
    readSizeBytes: z.int(),
    holdNs: count,
    batch: z.int(),
    rcvbuf: z.union([z.enum(["capture", "auto"]), z.int()]).describe("as asked"),
    rcvbufBytes: z
      .strictObject({ min: count, max: count })
      .nullable()
      .describe("as resolved, over all sockets; null if no socket opened"),
    checksum: z.enum(["trust", "verify"]),
    pacing,
    link: z
      .strictObject({
        interface: z.string(),
        peer: z.string(),
        queue: z.int(),
        steered: z.boolean().optional().describe("--steer all; in older records"),
        nodev: z.boolean(),
      })
      .optional()
      .describe("the device of the kernel's own zero-copy providers"),
    coalesceBytes: z.int().optional().describe("native backends: payload of a rebuilt segment"),
    loop: z.int(),
    limit: z.int().nullable(),
    cost: z.strictObject({ name: z.string(), table: z.record(z.string(), z.number()) }),
    seed: z.int(),
    streams: z.boolean(),
    leaks: z.enum(["count", "trace"]),
    floor: z.boolean(),
    reader: z.enum(["block", "pcap-parser"]),
    faults: z.array(z.string()).optional().describe("what --fault and --fault-plan asked for"),
    regress: z.string().optional().describe("the historic bug that was put back"),
    intervalNs: z.int().nullable().optional().describe("null without --interval"),
  })
  .describe("every flag's resolved value");

const captureSchema = z.strictObject({
  path: z.string(),
  sha256: sha256.describe("of the bytes as stored"),
  format: z.string(),
  linkTypes: z.array(z.int()),
  packets: count,
  bytes: count,
  durationNs: count,
  skipped: counts.describe("records not replayed, by reason"),
  damage: z.array(z.strictObject({ offset: count, reason: z.string() })),
  badChecksums: count.describe("packets with a wrong IPv4, TCP or UDP checksum"),
  clampedTimestamps: count.describe("timestamps that went back and were set to the one before"),
});

const latencySchema = z.strictObject({
  clock: z.enum(["model", "host", "kernel"]),
  unit: z.literal("ns"),
  count,
  min: count,
  mean: z.number().nonnegative(),
  p50: count,
  p90: count,
  p99: count,
  p999: count,
  max: count,
  hdr: z.string().describe("HdrHistogram V2, compressed, base64"),
});

const streamSchema = z
  .strictObject({
    src: z.string(),
    sport: port,
    dst: z.string(),
    dport: port,
    bytes: count.describe("delivered to the application"),
    sha256: sha256.describe("of what the application received"),
    gaps: count,
    end: z.enum(STREAM_ENDS),
  })
  .describe("one direction of one connection");

const poolSchema = z.strictObject(
  Object.fromEntries(POOL_COUNTERS.map((name) => [name, count])) as Record<
    (typeof POOL_COUNTERS)[number],
    typeof count
  >,
);

const leakedNetmem = z.strictObject({
  netmem: count.describe("index in the provider's area"),
  owner: z.enum(OWNERS),
  ageNs: count.describe("model time since the last transition"),
  lastTransition: z.string(),
  history: z.array(z.string()).optional().describe("with --leaks trace, oldest first"),
});

const leaks = z.strictObject({
  count: count.describe("netmems that did not return after an orderly teardown"),
  byOwner: z.strictObject(
    Object.fromEntries(OWNERS.map((name) => [name, count])) as Record<
      (typeof OWNERS)[number],
      typeof count
    >,
  ),
  zombies: count.describe("pools that cannot be freed"),
  netmems: z.array(leakedNetmem),
});

const host = z
  .strictObject({
    elapsedNs: count,
    nsPerPacket: z.number(),
    packetsPerSecond: z.number(),
    bitsPerSecond: z.number(),
    flowsPerSecond: z.number(),
    floorNsPerPacket: z.number().nullable(),
    timerOverheadNs: z.number(),
    poll: latencySchema.nullable().describe("host time of one NAPI poll, sampled"),
    packet: latencySchema.nullable().describe("host time of one packet, sampled by batch"),
    machine: machineSchema.optional().describe("where the times were measured"),
    intervals: realIntervalsSchema.optional(),
  })
  .describe("host clock: the only part that differs between two runs; absent for a guest");

const faultEvent = z
  .strictObject({
    fault: z.string().describe("as it was asked for"),
    packet: count.describe("of the run, before which it happened"),
    atNs: count.optional().describe("model time since the start of the run; of the model alone"),
    effect: z.string().describe("what came of it, in words"),
  })
  .describe("a fault that happened");

const violation = z
  .strictObject({
    invariant: z.string().describe("number in the list of invariants, or a short name"),
    message: z.string(),
    netmem: count.optional().describe("index in the provider's area"),
    owner: z.string().optional().describe("who held it"),
    lastTransition: z.string().optional(),
    history: z.array(z.string()).optional().describe("oldest first"),
  })
  .describe("a broken invariant: the run stopped there, without teardown");
const native = z.strictObject({
  injected: count.describe("packets that went onto the run's wire"),
  leftOut: counts.describe("packets that are for no socket, by reason"),
  copies: z.strictObject({
    injection: z.int().describe("copies of each byte on the way in, as a NIC's DMA would make"),
    receivedBytes: count.describe("copied from kernel to user memory"),
    mappedBytes: count.describe("read in place"),
    mappableBytes: count.describe("floor(P / 4096) pages of each payload of P bytes"),
    mappedPct: z.number().nullable().describe("mapped / delivered * 100"),
  }),
  altered: z.strictObject({
    acksRewritten: count.describe("packets whose ACK field was set to the socket's own"),
    mappedConnections: count.describe("connections that got addresses of the run"),
    joinedDatagrams: count.describe("datagrams injected whole instead of in fragments"),
    splitPackets: count.describe("packets beyond 64 KiB, injected in parts"),
    signaturesRemoved: count
      .optional()
      .describe("packets injected without their TCP-MD5 or TCP-AO signature"),
    coalescedSegments: count.describe("segments that --coalesce made"),
  }),
  holes: z
    .array(
      z.strictObject({
        src: z.string(),
        sport: port,
        dst: z.string(),
        dport: port,
        atByte: count.describe("delivery stopped here"),
        packet: count
          .nullable()
          .describe("the packet behind the hole, from 0; null: no hole of the capture, or untold"),
      }),
    )
    .describe("streams whose delivery stopped early, 1,000 at most"),
  pool: z
    .strictObject({ hold: count, release: count, inflight: count, releases: z.array(count) })
    .nullable()
    .describe("the kernel's page_pool by its tracepoints"),
  lag: latencySchema.nullable().describe("injection behind its schedule; null at top speed"),
  left: z.strictObject({ sockets: count, mappedPages: count, interfaces: count }),
  setupNs: count.optional().describe("absent for a guest"),
  teardownNs: count.optional(),
  notes: z.array(z.string()).describe("how packets came in, and where payload was copied"),
});

const runSchema = z.strictObject({
  provider: z.string(),
  backend: z.string(),
  clock: z.enum(["model", "host", "kernel"]),
  packets: count,
  bytes: count,
  deliveredBytes: count,
  passes: z.int(),
  sockets: z.strictObject({ opened: count, midStream: count, oneSided: count }),
  streams: z.array(streamSchema).optional().describe("with --streams; one pass"),
  latency: z.strictObject({
    driver: latencySchema.describe("arrival to skb handed up"),
    stack: latencySchema.describe("to readable in order"),
    app: latencySchema.describe("readable to read"),
    hold: latencySchema.describe("read to given back"),
    pool: latencySchema.describe("given back to handed out again"),
    deliver: latencySchema.describe("arrival to read"),
    lifetime: latencySchema.describe("handed to the driver to back in the pool"),
  }),
  pool: poolSchema.describe("all payload pools together"),
  headerPool: poolSchema.nullable().describe("the header pools; null where the driver has none"),
  recycle: z.strictObject({
    recyclingPct: z
      .number()
      .nullable()
      .describe("(ring + cached) / (fast + refill + slow) * 100, as ynltool; null: no allocation"),
    endToEndPct: z.number().nullable().describe("given back / handed out * 100"),
  }),
  leaks,
  copy: z
    .strictObject({ bytes: count, byReason: counts })
    .describe("payload copied on the way to the application"),
  reference: z.strictObject({ bytes: count }).describe("payload passed without a copy"),
  dma: z.strictObject({ bytes: count, copies: count }).describe("placed in netmems"),
  drops: counts.describe("packets by drop reason"),
  tcp: counts.describe("MIB counters"),
  driver: counts.describe("the driver profile's own counters"),
  faults: z.array(faultEvent).optional().describe("with --fault: what happened, at most 1,000"),
  violation: violation.optional(),
  owners: z
    .array(ownerPointSchema)
    .max(MAX_OWNER_POINTS)
    .optional()
    .describe("over time; absent where the backend cannot know"),
  intervals: intervalsSchema.optional(),
  host: host.optional(),
  native: native.optional().describe("of a run through a real kernel"),
});

const tool = toolSchema;
const warning = warningSchema;

const guest = z
  .strictObject({
    release: z.string().describe("uname -r in the guest"),
    version: z.string(),
    sha256: sha256.describe("of the package with the kernel"),
    pinned: z.boolean().describe("false: the archive had lost the pinned kernel, or one was given"),
    accelerator: z.enum(["tcg", "kvm"]),
    nmsim: z.boolean().describe("the virtual NIC was there"),
  })
  .describe("the virtual machine that the runs were made in; no time of such a record is valid");

/** `netmem.record/1`. */
export const recordSchema = z
  .strictObject({
    schema: z.literal(RECORD_SCHEMA),
    netmem: tool,
    reproduce: z.string().describe("one command line that gives this record again"),
    config: configSchema,
    warnings: z.array(warning),
    capture: captureSchema,
    runs: z.array(runSchema),
    guest: guest.optional(),
  })
  .describe("netmem: one capture replayed, one run a provider");

const latencies = runSchema.shape.latency;

/** All captures of one provider added up: counters as sums, histograms without loss. */
const totalSchema = z.strictObject({
  provider: z.string(),
  backend: z.string(),
  captures: z.int(),
  packets: count,
  bytes: count,
  deliveredBytes: count,
  latency: latencies,
  pool: poolSchema,
  leaks: z.strictObject({ count, zombies: count }),
  copy: z.strictObject({ bytes: count }),
  reference: z.strictObject({ bytes: count }),
  drops: counts,
  tcp: counts,
  geomean: z
    .strictObject({ deliverP50Ns: z.number().nullable(), deliverP99Ns: z.number().nullable() })
    .describe("over the captures that delivered something; null where none did"),
  host: z
    .strictObject({ nsPerPacketGeomean: z.number().nullable() })
    .optional()
    .describe("host clock"),
});

const shardSchema = z
  .strictObject({
    index: z.int().min(1),
    count: z.int().min(1),
    captures: z.int().describe("in the whole list"),
    listSha256: sha256.describe("of the whole list's paths, one a line"),
    positions: z.array(z.int()).describe("of records[] in the whole list, from 0"),
    failedPositions: z.array(z.int()).describe("of failed[]"),
  })
  .describe("what part of a suite this is; absent from a whole one");

/** `netmem.suite/1`. */
export const suiteSchema = z
  .strictObject({
    schema: z.literal(SUITE_SCHEMA),
    netmem: tool,
    records: z.array(recordSchema),
    failed: z
      .array(z.strictObject({ path: z.string(), code: z.string(), message: z.string() }))
      .describe("captures of which nothing was usable"),
    summary: z.strictObject({
      captures: z.int(),
      packets: count,
      bytes: count,
      deliveredBytes: count.describe("sum over all runs"),
      leaks: count,
      zombies: count,
      drops: count,
      damaged: z.int().describe("captures with damage"),
      providers: z.array(totalSchema).optional(),
    }),
    shard: shardSchema.optional(),
  })
  .describe("netmem: several captures replayed, one record each");

/** What a replay of one capture answers with. */
export type NetmemRecord = z.infer<typeof recordSchema>;
/** What a replay of several captures answers with. */
export type NetmemSuite = z.infer<typeof suiteSchema>;
/** All captures of one provider added up. */
export type ProviderTotal = z.infer<typeof totalSchema>;
/** What part of a suite a document is. */
export type ShardRecord = z.infer<typeof shardSchema>;
/** What a command prints: one record, or one suite where several captures were given. */
export type ReplayDocument = NetmemRecord | NetmemSuite;
/** One provider's run. */
export type RunRecord = z.infer<typeof runSchema>;
/** What was read. */
export type CaptureRecord = z.infer<typeof captureSchema>;
/** One direction of one connection. */
export type StreamRecord = z.infer<typeof streamSchema>;
/** A histogram of one stage. */
export type Latency = z.infer<typeof latencySchema>;
/** What a run through a real kernel tells beside the rest. */
export type NativeRecord = z.infer<typeof native>;
/** The host clock's part of a run. */
export type HostRecord = z.infer<typeof host>;
/** The resolved settings. */
export type RecordConfig = z.infer<typeof configSchema>;
/** A pool's counters. */
export type PoolRecord = z.infer<typeof poolSchema>;
/** What did not come back. */
export type LeakRecord = z.infer<typeof leaks>;
