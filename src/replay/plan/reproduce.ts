import type { RecordConfig } from "../record/schema.js";
import { FLAGS, type FlagName } from "./flags.js";
import type { ReplayConfig } from "./replay-config.js";

/** The build of netmem that runs. */
export interface Build {
  readonly version: string;
  /** Commit, where the program can know it. */
  readonly commit: string | null;
}

/**
 * One line that gives the same record again: a command that a shell takes, and behind `#` what
 * must be the same for it.
 */
export function reproduceLine(
  build: Build,
  config: ReplayConfig,
  capture: { readonly path: string; readonly sha256: string },
): string {
  const flags = Object.entries(config.given).map(([name, text]) => flagText(name, text));
  const seed = "seed" in config.given ? [] : [`--seed ${config.seed}`];
  const command = ["netmem replay", quoted(capture.path), ...flags, ...seed].join(" ");
  const commit = build.commit === null ? "" : ` commit ${build.commit}`;
  return `${command} # netmem ${build.version}${commit}, capture sha256 ${capture.sha256}`;
}

/** The configuration as the record holds it; `rcvbufBytes` is what the sockets really had. */
export function recordConfig(
  config: ReplayConfig,
  rcvbufBytes: RecordConfig["rcvbufBytes"],
): RecordConfig {
  const {
    plugins: _plugins,
    exports: _,
    json: _json,
    quiet: _quiet,
    verbose: _verbose,
    chart: _chart,
    given: _given,
    faults,
    regress,
    shard: _shard,
    natives: _natives,
    coalesceBytes,
    link,
    ...kept
  } = config;
  return {
    ...kept,
    ...(faults.length > 0 ? { faults: faults.map(({ text }) => text) } : {}),
    ...(regress !== "" ? { regress } : {}),
    provider: [...config.provider],
    hds: { ...config.hds },
    pacing: { ...config.pacing },
    ...(coalesceBytes > 0 ? { coalesceBytes } : {}),
    ...(link === null ? {} : { link: { ...link } }),
    cost: { name: config.cost.name, table: { ...config.cost.table } },
    rcvbufBytes,
  };
}

function flagText(name: string, text: string): string {
  if (FLAGS[name as FlagName].value !== "") return `--${name} ${quoted(text)}`;
  return text === "true" ? `--${name}` : `--no-${name}`;
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
