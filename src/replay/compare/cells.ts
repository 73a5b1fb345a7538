import { NetmemError } from "../error.js";
import type { FlagName } from "../plan/flags.js";
import type { RawFlags } from "../plan/layers.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import { type ConfigSources, resolveConfig } from "../plan/resolve.js";

/** Flags that `compare` takes with several values, in the order in which labels name them. */
export const AXES = [
  "backend",
  "kernel",
  "driver",
  "buffer-size",
  "area",
  "queues",
  "ring",
  "budget",
  "hds",
  "rx-usecs",
  "rx-frames",
  "read-delay",
  "read-size",
  "hold",
  "batch",
  "rcvbuf",
  "checksum",
  "multiplier",
  "pps",
  "mbps",
  "loop",
  "limit",
  "cost",
  "seed",
] as const satisfies readonly FlagName[];

/** More cells than this are a mistake more often than a wish. */
const MOST_CELLS = 64;

/** One cell of a matrix: a configuration that replays alone. */
export interface Cell {
  /** `devmem hold=50us`: what sets the cell apart. */
  readonly label: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly config: ReplayConfig;
}

/**
 * The cells of a matrix: every provider with every combination of the values that flags list,
 * `--hold 0,50us`. Cells of a native backend have no provider of the model.
 *
 * @throws NetmemError NETMEM_USAGE for a combination that cannot be, naming it, and for more than
 *   64 cells.
 */
export async function matrixCells(sources: ConfigSources): Promise<Cell[]> {
  const axes = AXES.flatMap((name) => {
    const values = listed(sources.flags, name);
    return values.length > 1 ? [{ name, values }] : [];
  });
  const combinations = productOf(axes);
  const cells: Cell[] = [];
  for (const settings of combinations) {
    const flags = { ...sources.flags, ...settings };
    const native = "backend" in settings && settings.backend !== "memory";
    if (native) delete (flags as Record<string, unknown>).provider;
    const whole = await resolved({ ...sources, flags }, settings);
    const providers: readonly string[] = native ? [] : whole.provider;
    if (native || providers.length === 1) {
      const own: Record<string, string> =
        providers.length === 1 && !native ? { provider: providers[0]! } : {};
      cells.push({ label: "", settings: { ...own, ...settings }, config: whole });
      continue;
    }
    for (const provider of providers) {
      const single = { provider, ...settings };
      const config = await resolved({ ...sources, flags: { ...flags, provider } }, single);
      cells.push({ label: "", settings: single, config });
    }
  }
  if (cells.length > MOST_CELLS) {
    throw new NetmemError(
      "NETMEM_USAGE",
      `a matrix of ${cells.length} cells; ${MOST_CELLS} is the most`,
      "List fewer values, or compare in several runs.",
    );
  }
  return cells.map((cell) => ({ ...cell, label: labelOf(cell.settings, cells) }));
}

/** Values of a flag, from `a,b` or from the flag given twice. */
function listed(flags: RawFlags, name: FlagName): string[] {
  const value = flags[name];
  if (value === undefined || typeof value === "boolean") return [];
  const texts = Array.isArray(value) ? value : [value];
  return [...new Set(texts.flatMap((text) => text.split(",")).map((text) => text.trim()))];
}

/** Every combination of one value an axis, the last axis fastest. */
function productOf(
  axes: ReadonlyArray<{ readonly name: string; readonly values: readonly string[] }>,
): Array<Record<string, string>> {
  let combinations: Array<Record<string, string>> = [{}];
  for (const { name, values } of axes) {
    combinations = combinations.flatMap((known) =>
      values.map((value) => ({ ...known, [name]: value })),
    );
  }
  return combinations;
}

async function resolved(
  sources: ConfigSources,
  settings: Readonly<Record<string, string>>,
): Promise<ReplayConfig> {
  try {
    return await resolveConfig(sources);
  } catch (error) {
    const cell = textOf(settings);
    if (!(error instanceof NetmemError) || cell === "") throw error;
    throw new NetmemError(error.code, `cell ${cell}: ${error.message}`, error.suggestion);
  }
}

/** What sets a cell apart from the others; its provider where nothing does. */
function labelOf(settings: Readonly<Record<string, string>>, cells: readonly Cell[]): string {
  const varying = Object.entries(settings).filter(([name]) =>
    cells.some((cell) => cell.settings[name] !== settings[name]),
  );
  const text = textOf(Object.fromEntries(varying));
  return text === "" ? (settings.provider ?? settings.backend ?? "only") : text;
}

function textOf(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) =>
      name === "provider" || name === "backend" ? value : `${name}=${value}`,
    )
    .join(" ");
}
