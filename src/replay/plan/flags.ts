import { FAULT_IDS } from "../../engine/fault/ids.js";
import { KERNEL_PROFILES } from "../../engine/kernel/profile.js";
import { EXPORT_FORMATS } from "../record/export-formats.js";
import { parseExports } from "./exports.js";
import { parseFaults } from "./fault-grammar.js";
import { providerList } from "./provider-list.js";
import { type HeaderSplit, PROVIDERS } from "./replay-config.js";
import { shardChoice } from "./shard-flag.js";
import { ValueError } from "./value-error.js";
import {
  listOf,
  oneOf,
  type Parse,
  positiveNumber,
  powerOfTwo,
  sizeBetween,
  someText,
  timeUpTo,
  truth,
  wholeNumber,
} from "./values.js";

/** PAGE_SIZE of the modelled machine. */
export const PAGE_BYTES = 4096;

/** Headings of the help, in this order. */
export type FlagGroup =
  | "memory"
  | "driver"
  | "application"
  | "pacing"
  | "faults"
  | "model"
  | "output";

/** One flag of `replay`: source of its oclif flag, environment twin, file key and README row. */
export interface FlagSpec<T> {
  readonly group: FlagGroup;
  /** What the help shows as the value; empty for a switch. */
  readonly value: string;
  /** The default, as it would be written on the command line; null for none. */
  readonly fallback: string | null;
  readonly help: string;
  readonly parse: Parse<T>;
  /** One-letter form. */
  readonly char?: "p" | "q" | "v";
  /** May be given several times; the values are joined by commas. */
  readonly repeatable?: true;
  /** Says how to run or what to show, not what is run: not part of the line that reproduces. */
  readonly incidental?: true;
}

const KERNELS = Object.keys(KERNEL_PROFILES);

/** Backends by name; all but `memory` need kernel or hardware support that may be missing. */
export const BACKENDS = [
  "memory",
  "af-xdp",
  "kernel-tcp",
  "kernel-tcp-mmap",
  "kernel-page-pool",
  "kernel-zcrx",
  "kernel-devmem",
] as const;
/** Backends with a kernel's own provider: they need a NIC, and take some of the faults. */
export const REAL_PROVIDERS: readonly string[] = ["kernel-zcrx", "kernel-devmem"];
/** Driver profiles by name. */
export const DRIVERS = ["fbnic", "bnxt", "gve"] as const;

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const HOUR_NS = 3600e9;
const MIN_INTERVAL_NS = 10e3;
/** The most whole pages that one IP packet can carry. */
const MAX_COALESCE_BYTES = 15 * 4 * KIB;

const hds: Parse<HeaderSplit> = (text) => {
  if (text === "on" || text === "off") return { mode: text, failEvery: 0 };
  const every = /^fail=(\d+)$/.exec(text)?.[1];
  if (every !== undefined) return { mode: "fail", failEvery: wholeNumber(1, 2 ** 31 - 1)(every) };
  throw new ValueError("must be on, off, or fail=N with N from 1, such as fail=100");
};

const rcvbuf: Parse<"capture" | "auto" | number> = (text) => {
  if (text === "capture" || text === "auto") return text;
  if (/^\d/.test(text)) return sizeBetween(2304, GIB, "a size from 2304B to 1GiB")(text);
  throw new ValueError("must be capture, auto, or a size such as 4MiB");
};

const limit: Parse<number | null> = (text) =>
  text === "none" ? null : wholeNumber(1, Number.MAX_SAFE_INTEGER)(text);

/** `driver`: what the driver profile starts with. */
const orDriver =
  (parse: Parse<number>): Parse<number | null> =>
  (text) =>
    text === "driver" ? null : parse(text);

const areaSize: Parse<number> = (text) => {
  const bytes = sizeBetween(PAGE_BYTES, GIB, "a size from 4KiB to 1GiB")(text);
  if (bytes % PAGE_BYTES === 0) return bytes;
  throw new ValueError("must be whole pages of 4KiB");
};

const bufferSize: Parse<number> = (text) => {
  const bytes = sizeBetween(PAGE_BYTES, 2 * MIB, "a size from 4KiB to 2MiB")(text);
  return powerOfTwo(PAGE_BYTES, 2 * MIB)(String(bytes));
};

const interval: Parse<number> = (text) => {
  const ns = timeUpTo(HOUR_NS, "a time from 10us to 3600s")(text);
  if (ns >= MIN_INTERVAL_NS) return ns;
  throw new ValueError("must be a time from 10us to 3600s");
};

const coalesce: Parse<number> = (text) => {
  if (text === "none") return 0;
  const size = /^\d+$/.test(text) ? `${text}B` : text;
  const bytes = sizeBetween(PAGE_BYTES, MAX_COALESCE_BYTES, "none, or 4096 to 60KiB")(size);
  if (bytes % PAGE_BYTES === 0) return bytes;
  throw new ValueError("must be whole pages of 4KiB");
};

function spec<T>(
  group: FlagGroup,
  value: string,
  fallback: string | null,
  parse: Parse<T>,
  help: string,
  more: Pick<FlagSpec<T>, "char" | "repeatable" | "incidental"> = {},
): FlagSpec<T> {
  return { group, value, fallback, help, parse, ...more };
}

const SIZE = "<size>";
const TIME = "<time>";
const NUMBER = "<n>";
const incidental = { incidental: true } as const;
const wholeSeconds = timeUpTo(HOUR_NS, "a time of at most 3600s");

/** Every flag of `replay`, by name. */
export const FLAGS = {
  provider: spec(
    "memory",
    PROVIDERS.join("|"),
    PROVIDERS.join(","),
    providerList,
    "memory providers, one run each; a path such as ./mine.mjs loads a module",
    { char: "p", repeatable: true },
  ),
  area: spec("memory", SIZE, "64MiB", areaSize, "provider memory of each run"),
  "buffer-size": spec("memory", SIZE, "4KiB", bufferSize, "size of one netmem, a power of two"),
  leaks: spec(
    "memory",
    "count|trace",
    "count",
    oneOf(["count", "trace"] as const),
    "count leaks, or keep the history of every netmem",
  ),
  backend: spec(
    "driver",
    "<name>",
    "memory",
    listOf(BACKENDS),
    `what plays the machine, one run each: ${BACKENDS.join(", ")}`,
    { repeatable: true },
  ),
  driver: spec("driver", DRIVERS.join("|"), "fbnic", oneOf(DRIVERS), "driver profile"),
  queues: spec("driver", NUMBER, "4", wholeNumber(1, 64), "RX queues"),
  ring: spec(
    "driver",
    NUMBER,
    "1024",
    powerOfTwo(8, 32768),
    "descriptors a queue (ethtool -G rx), a power of two",
  ),
  budget: spec("driver", NUMBER, "64", wholeNumber(1, 1024), "NAPI budget, packets a poll"),
  hds: spec("driver", "on|off|fail=N", "on", hds, "header/data split; fail=N: every Nth unsplit"),
  steer: spec(
    "driver",
    "all|none|<expr>",
    "all",
    someText,
    "TCP flows on the provider's queues; the rest goes to page queues",
  ),
  "rx-usecs": spec(
    "driver",
    NUMBER,
    "driver",
    orDriver(wholeNumber(0, 65535)),
    "interrupt at the latest this many microseconds after a packet; driver: its own default",
  ),
  "rx-frames": spec(
    "driver",
    NUMBER,
    "driver",
    orDriver(wholeNumber(0, 65535)),
    "interrupt at the latest after this many packets, 0: by time alone; driver: as above",
  ),
  "read-delay": spec("application", TIME, "0", wholeSeconds, "wake-up delay of the reader"),
  "read-size": spec(
    "application",
    SIZE,
    "64KiB",
    sizeBetween(1, GIB, "a size from 1B to 1GiB"),
    "bytes asked for by one recvmsg (page, devmem)",
  ),
  hold: spec("application", TIME, "0", wholeSeconds, "time from read until given back"),
  batch: spec(
    "application",
    NUMBER,
    "1",
    wholeNumber(1, 1024),
    "tokens or refill entries given back in one call",
  ),
  rcvbuf: spec(
    "application",
    "capture|auto|<size>",
    "capture",
    rcvbuf,
    "receive buffer: the largest window in the capture, tcp_rmem autotuning, or bytes",
  ),
  multiplier: spec("pacing", NUMBER, null, positiveNumber, "recorded gaps, N times faster"),
  pps: spec("pacing", NUMBER, null, positiveNumber, "packets per second"),
  mbps: spec("pacing", NUMBER, null, positiveNumber, "megabits (10^6) per second"),
  topspeed: spec("pacing", "", null, truth, "packets back to back at wire speed"),
  loop: spec("pacing", NUMBER, "1", wholeNumber(1, 1e6), "passes over the capture, same pools"),
  coalesce: spec(
    "pacing",
    "<size>|none",
    "none",
    coalesce,
    "native backends: rebuild each stream as segments of so many payload bytes",
  ),
  interface: spec(
    "driver",
    "<name>",
    null,
    someText,
    "kernel-zcrx, kernel-devmem, af-xdp: the NIC port whose queue receives",
  ),
  peer: spec("driver", "<name>", null, someText, "the port wired to it, which sends the capture"),
  queue: spec("driver", NUMBER, "1", wholeNumber(0, 1023), "RX queue of the provider"),
  nodev: spec(
    "driver",
    "",
    "off",
    truth,
    "kernel-zcrx without a device: the kernel copies every byte",
  ),
  limit: spec("pacing", "<n>|none", "none", limit, "packets replayed of each capture at most"),
  shard: spec(
    "pacing",
    "<i/n>|auto",
    "none",
    shardChoice,
    "every nth capture (compare: cell) from the ith on; auto: index from the environment",
    incidental,
  ),
  fault: spec(
    "faults",
    "KIND@WHEN[,arg=..]",
    null,
    parseFaults,
    "make something go wrong; netmem fault kinds lists what can",
    { repeatable: true },
  ),
  "fault-plan": spec("faults", "<file>", null, someText, "a list of faults, YAML or JSON"),
  regress: spec(
    "faults",
    "F1..F40",
    null,
    oneOf(FAULT_IDS),
    "put a historic bug back; netmem fault list has them",
  ),
  kernel: spec("model", "<version>", "7.3", oneOf(KERNELS), `rules of: ${KERNELS.join(", ")}`),
  checksum: spec(
    "model",
    "trust|verify",
    "trust",
    oneOf(["trust", "verify"] as const),
    "count packets with bad checksums only, or drop them too",
  ),
  cost: spec("model", "<name|file>", "default", someText, "table of model costs"),
  seed: spec("model", NUMBER, "1", wholeNumber(0, 2 ** 32 - 1), "seed of the model's PRNG"),
  reader: spec(
    "model",
    "block|pcap-parser",
    "block",
    oneOf(["block", "pcap-parser"] as const),
    "reader of classic capture files",
  ),
  streams: spec("output", "", "off", truth, "list streams with the SHA-256 of what was read"),
  interval: spec(
    "output",
    TIME,
    null,
    interval,
    "add a time series in steps of this length of the run's clock",
  ),
  chart: spec("output", "", "off", truth, "draw latency and owners as text below the table", {
    incidental: true,
  }),
  floor: spec("output", "", "off", truth, "measure the copy floor in the same process"),
  export: spec(
    "output",
    "<format>=<file>",
    null,
    parseExports,
    `write a file, - for standard output: ${EXPORT_FORMATS.join(", ")}`,
    { repeatable: true, incidental: true },
  ),
  json: spec("output", "", "off", truth, "print the record as JSON", incidental),
  quiet: spec("output", "", "off", truth, "print problems only", { char: "q", incidental: true }),
  verbose: spec("output", "", "off", truth, "print every counter and digest", {
    char: "v",
    incidental: true,
  }),
  config: spec(
    "output",
    "<file>",
    null,
    someText,
    "configuration file; otherwise netmem.config.yaml or .json, searched upward",
    incidental,
  ),
} as const satisfies Record<string, FlagSpec<unknown>>;

/** Name of a flag, without the dashes. */
export type FlagName = keyof typeof FLAGS;
/** All names, in the order of the table. */
export const FLAG_NAMES = Object.keys(FLAGS) as FlagName[];

/** Flags of which one layer (command line, environment, file) may set at most one. */
export const EXCLUSIVE: ReadonlyArray<readonly FlagName[]> = [
  ["multiplier", "pps", "mbps", "topspeed"],
  ["quiet", "verbose"],
];

/** The environment variable that stands for a flag: `--read-delay` is NETMEM_READ_DELAY. */
export function environmentTwin(name: FlagName): string {
  return `NETMEM_${name.toUpperCase().replaceAll("-", "_")}`;
}
