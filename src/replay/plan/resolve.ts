import { DRIVER_PROFILES } from "../../engine/driver/profiles.js";
import { REAL_KINDS } from "../../engine/fault/kinds.js";
import { type PlannedFault, settlePlan } from "../../engine/fault/plan.js";
import { KERNEL_PROFILES } from "../../engine/kernel/profile.js";
import { NetmemError } from "../error.js";
import { findConfigFile, readConfigFile } from "./config-file.js";
import { loadCosts } from "./costs.js";
import { rebuilds } from "./effects.js";
import { readFaultFile } from "./fault-file.js";
import { FLAG_NAMES, FLAGS, type FlagName, PAGE_BYTES, REAL_PROVIDERS } from "./flags.js";
import {
  type Environment,
  environmentLayer,
  fileLayer,
  flagLayer,
  merge,
  type RawFlags,
  type Settings,
} from "./layers.js";
import type { Pacing, ReplayConfig } from "./replay-config.js";
import { resolveShard, type ShardChoice } from "./shard-flag.js";
import { parseSteer } from "./steer.js";
import { formatSize } from "./units.js";
import { ValueError } from "./value-error.js";

/** The shortest `--interval` on a real clock. */
const MIN_REAL_INTERVAL_NS = 1e6;

/** Where settings come from; a flag beats the environment, which beats the file. */
export interface ConfigSources {
  readonly flags: RawFlags;
  readonly environment: Environment;
  /** Where the search for a configuration file starts, an absolute path. */
  readonly cwd: string;
}

/**
 * Resolves all settings of a replay and checks them, each alone and together.
 *
 * @throws NetmemError NETMEM_USAGE or NETMEM_CONFIG for a setting that cannot be, and
 *   NETMEM_BACKEND_UNAVAILABLE for one that could be, but not with this build.
 */
export async function resolveConfig(sources: ConfigSources): Promise<ReplayConfig> {
  const flags = flagLayer(sources.flags);
  const environment = environmentLayer(sources.environment);
  const path =
    flags.get("config")?.text ??
    environment.get("config")?.text ??
    (await findConfigFile(sources.cwd));
  const file = path === undefined ? [] : [fileLayer(await readConfigFile(path))];
  const settings = merge([flags, environment, ...file]);
  const value = <N extends FlagName>(name: N) => parseSetting(settings, name);

  rejectUnavailable(settings);
  const { moderation } = DRIVER_PROFILES[value("driver")!];
  const config: ReplayConfig = {
    provider: value("provider")!,
    backend: value("backend")!.join(","),
    natives: value("backend")!.filter((name) => name !== "memory"),
    kernel: value("kernel")!,
    driver: value("driver")!,
    queues: value("queues")!,
    ring: value("ring")!,
    budget: value("budget")!,
    areaBytes: value("area")!,
    bufferSizeBytes: value("buffer-size")!,
    hds: value("hds")!,
    steer: value("steer")!,
    rxUsecs: value("rx-usecs") ?? moderation.rxUsecs,
    rxFrames: value("rx-frames") ?? moderation.rxFrames,
    readDelayNs: value("read-delay")!,
    readSizeBytes: value("read-size")!,
    holdNs: value("hold")!,
    batch: value("batch")!,
    rcvbuf: value("rcvbuf")!,
    checksum: value("checksum")!,
    pacing: pacingOf(settings),
    coalesceBytes: value("coalesce")!,
    link: linkOf(settings),
    loop: value("loop")!,
    limit: value("limit") ?? null,
    faults: settlePlan(await plannedFaults(settings), value("seed")!),
    regress: value("regress") ?? "",
    shard: shardIn(value("shard") ?? null, sources.environment),
    cost: await loadCosts(value("cost")!),
    seed: value("seed")!,
    streams: value("streams")!,
    leaks: value("leaks")!,
    floor: value("floor")!,
    reader: value("reader")!,
    intervalNs: value("interval") ?? null,
    exports: value("export") ?? [],
    json: value("json")!,
    quiet: value("quiet")!,
    verbose: value("verbose")!,
    chart: value("chart")!,
    given: givenTexts(settings),
  };
  rejectMisfits(config);
  return config;
}

function shardIn(choice: ShardChoice | null, environment: Environment): ReplayConfig["shard"] {
  return choice === null ? null : resolveShard(choice, environment);
}

/** The value of one setting, or of its default; undefined where it has none. */
function parseSetting<N extends FlagName>(
  settings: Settings,
  name: N,
): ReturnType<(typeof FLAGS)[N]["parse"]> | undefined {
  const setting = settings.get(name);
  const text = setting?.text ?? FLAGS[name].fallback;
  if (text === null) return undefined;
  try {
    return FLAGS[name].parse(text) as ReturnType<(typeof FLAGS)[N]["parse"]>;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const shown = name === "provider" ? "provider" : setting!.origin;
    throw new NetmemError(
      setting!.layer === "flag" ? "NETMEM_USAGE" : "NETMEM_CONFIG",
      `${shown} ${error.message}${name === "provider" ? ` (${setting!.origin})` : ""}`,
      "See netmem replay --help.",
    );
  }
}

/** The plan file's faults, then those of `--fault`. */
async function plannedFaults(settings: Settings): Promise<PlannedFault[]> {
  const file = parseSetting(settings, "fault-plan");
  const planned = file === undefined ? [] : await readFaultFile(file);
  return [...planned, ...(parseSetting(settings, "fault") ?? [])];
}

function pacingOf(settings: Settings): Pacing {
  const pps = parseSetting(settings, "pps");
  if (pps !== undefined) return { mode: "pps", pps };
  const mbps = parseSetting(settings, "mbps");
  if (mbps !== undefined) return { mode: "mbps", mbps };
  if (parseSetting(settings, "topspeed") === true) return { mode: "topspeed" };
  const multiplier = parseSetting(settings, "multiplier");
  if (multiplier !== undefined) return { mode: "recorded", multiplier };
  // A real clock cannot skip the years that some captures span.
  const modelAlone = parseSetting(settings, "backend")!.every((name) => name === "memory");
  return modelAlone ? { mode: "recorded", multiplier: 1 } : { mode: "topspeed" };
}

/** The device of the real providers; without one of its flags there is none. */
function linkOf(settings: Settings): ReplayConfig["link"] {
  const nodev = parseSetting(settings, "nodev")!;
  const device = parseSetting(settings, "interface") ?? "";
  const peer = parseSetting(settings, "peer") ?? "";
  if (!nodev && device === "" && peer === "") return null;
  return { interface: device, peer, queue: parseSetting(settings, "queue")!, nodev };
}

/** Settings that differ from their default and decide what is run, as command-line text. */
function givenTexts(settings: Settings): Record<string, string> {
  const given: Record<string, string> = {};
  for (const name of FLAG_NAMES) {
    const text = settings.get(name)?.text;
    if (text === undefined || FLAGS[name].incidental === true) continue;
    if (text !== FLAGS[name].fallback) given[name] = text;
  }
  return given;
}

function rejectUnavailable(settings: Settings): void {
  const backends = parseSetting(settings, "backend")!;
  if (settings.has("provider") && !backends.includes("memory")) {
    throw new NetmemError(
      "NETMEM_USAGE",
      `--backend ${backends.join(",")} brings its own provider and takes no --provider`,
      "Leave --provider out, or use --backend memory.",
    );
  }
}

/** Only a kernel's sockets take segments that the capture does not have. */
function rejectCoalescing({ backend, coalesceBytes, checksum }: ReplayConfig): void {
  if (coalesceBytes === 0) return;
  if (!backend.split(",").some(rebuilds)) {
    throw new NetmemError(
      "NETMEM_USAGE",
      "--coalesce rebuilds segments for native backends with sockets of the kernel; " +
        `GRO does that on ${backend.split(",").join(" and ")}`,
      "Leave --coalesce out, or name --backend kernel-tcp-mmap.",
    );
  }
  if (checksum === "trust") return;
  throw new NetmemError(
    "NETMEM_USAGE",
    "--coalesce makes segments with checksums of their own, which leaves none to --checksum verify",
    "Leave one of the two out.",
  );
}

/** A kernel has no historic bug to put back, and of the faults only some. */
function rejectNativeFaults({ natives, faults, regress }: ReplayConfig): void {
  if (natives.length === 0) return;
  const sound = natives.filter((name) => !REAL_PROVIDERS.includes(name));
  if (regress !== "" || (faults.length > 0 && sound.length > 0)) {
    throw new NetmemError(
      "NETMEM_USAGE",
      `faults and regressions are the model's, and --backend names ${natives.join(", ")}`,
      "Use --backend memory with --fault and --regress.",
    );
  }
  const strange = faults.find(
    ({ kind, when }) => when.at !== "packet" || !REAL_KINDS.includes(kind),
  );
  if (strange === undefined) return;
  throw new NetmemError(
    "NETMEM_USAGE",
    `--fault ${strange.text}: a real kernel can be given this at no moment, or not at this one`,
    `Give a packet (KIND@1000) and one of ${REAL_KINDS.join(", ")}, or use --backend memory.`,
  );
}

/** A kernel is looked at between pieces of work, which take parts of a millisecond each. */
function rejectShortInterval({ natives, intervalNs }: ReplayConfig): void {
  if (natives.length === 0 || intervalNs === null || intervalNs >= MIN_REAL_INTERVAL_NS) return;
  throw new NetmemError(
    "NETMEM_USAGE",
    `--interval ${intervalNs / 1e3}us is too short for the real clock of ${natives.join(" and ")}`,
    "Take 1ms or longer; the model's clock goes down to 10us.",
  );
}

/** What is right alone and wrong together. */
function rejectMisfits(config: ReplayConfig): void {
  rejectNativeFaults(config);
  rejectShortInterval(config);
  rejectCoalescing(config);
  parseSteer(config.steer);
  const profile = KERNEL_PROFILES[config.kernel]!;
  // The providers are the model's; without it they are a default that nobody asked for.
  const providers = config.backend.split(",").includes("memory") ? config.provider : [];
  const foreign = providers.filter((name) => name !== "page");
  if (providers.includes("zcrx") && !profile.hasZcrx) {
    const others = config.provider.filter((name) => name !== "zcrx").join(",") || "page,devmem";
    throw new NetmemError(
      "NETMEM_USAGE",
      `kernel ${config.kernel} has no zcrx provider; it came with 6.15`,
      `Use --provider ${others}, or a kernel from 6.18 on.`,
    );
  }
  if (config.bufferSizeBytes > PAGE_BYTES && !profile.rxPageSize && foreign.length > 0) {
    throw new NetmemError(
      "NETMEM_USAGE",
      `kernel ${config.kernel} has netmems of 4KiB only for ${foreign.join(", ")}; ` +
        "rx_page_size came with 7.0",
      "Use --buffer-size 4KiB, --provider page, or a kernel from 7.0 on.",
    );
  }
  rejectBufferSize(config);
  if (config.areaBytes < config.bufferSizeBytes) {
    throw new NetmemError(
      "NETMEM_USAGE",
      `an area of ${formatSize(config.areaBytes)} holds no netmem of ` +
        formatSize(config.bufferSizeBytes),
      "Use a larger --area or a smaller --buffer-size.",
    );
  }
}

/**
 * The driver's rules for an rx page size: its largest buffer (bnxt -ERANGE, BNXT_MAX_RX_PAGE_SIZE;
 * gve posts pages), and two netmems a ring at least.
 */
function rejectBufferSize(config: ReplayConfig): void {
  const { driver, bufferSizeBytes: bytes, ring } = config;
  const { maxNetmemBytes } = DRIVER_PROFILES[driver];
  const size = formatSize(bytes);
  if (bytes > maxNetmemBytes) {
    const most = formatSize(maxNetmemBytes);
    throw new NetmemError(
      "NETMEM_USAGE",
      `${driver} posts buffers of at most ${most}, and --buffer-size is ${size}`,
      maxNetmemBytes === PAGE_BYTES
        ? `Use --buffer-size ${most}, or another --driver.`
        : `Use a --buffer-size from 4KiB to ${most}, or another --driver.`,
    );
  }
  const pages = bytes / PAGE_BYTES;
  if (pages > 1 && pages * 2 > ring) {
    throw new NetmemError(
      "NETMEM_USAGE",
      `a ring of ${ring} descriptors holds fewer than two netmems of ${size}`,
      `Use a --ring of at least ${pages * 2}, or a smaller --buffer-size.`,
    );
  }
}
