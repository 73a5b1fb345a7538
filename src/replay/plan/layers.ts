import { NetmemError } from "../error.js";
import type { FileSettings } from "./config-file.js";
import { EXCLUSIVE, environmentTwin, FLAG_NAMES, FLAGS, type FlagName } from "./flags.js";

/** Values as a command parsed them: text, several texts, or a switch. */
export type RawFlags = Readonly<Record<string, string | string[] | boolean | undefined>>;
/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One setting as text, and where it came from, for messages. */
export interface Setting {
  readonly text: string;
  /** `--ring 1000`, `NETMEM_RING=1000`, or `netmem.config.yaml: ring 1000`. */
  readonly origin: string;
  readonly layer: "flag" | "environment" | "file";
}

/** The settings of one layer, or of all merged. */
export type Settings = ReadonlyMap<FlagName, Setting>;

/** What the command line sets. */
export function flagLayer(flags: RawFlags): Settings {
  return layer((name) => {
    const value = flags[name];
    if (value === undefined) return undefined;
    if (typeof value === "boolean") {
      return { text: String(value), origin: `--${value ? "" : "no-"}${name}`, layer: "flag" };
    }
    const text = Array.isArray(value) ? value.join(",") : value;
    return { text, origin: `--${name} ${text}`, layer: "flag" };
  });
}

/** What the environment sets; an empty variable counts as unset. */
export function environmentLayer(environment: Environment): Settings {
  return layer((name) => {
    const twin = environmentTwin(name);
    const text = environment[twin];
    if (text === undefined || text === "") return undefined;
    return { text, origin: `${twin}=${text}`, layer: "environment" };
  });
}

/** What a configuration file sets. */
export function fileLayer(file: FileSettings): Settings {
  return layer((name) => {
    const text = file.texts[name];
    if (text === undefined) return undefined;
    return { text, origin: `${file.path}: ${name} ${text}`, layer: "file" };
  });
}

function layer(of: (name: FlagName) => Setting | undefined): Settings {
  const found = new Map<FlagName, Setting>();
  for (const name of FLAG_NAMES) {
    const setting = of(name);
    if (setting !== undefined) found.set(name, setting);
  }
  rejectConflicts(found);
  return found;
}

/**
 * Lays the layers over each other, the strongest first. A flag of an exclusive group also hides
 * the others of its group in the layers below.
 */
export function merge(layers: readonly Settings[]): Settings {
  const merged = new Map<FlagName, Setting>();
  for (const settings of layers) {
    const hidden = new Set(EXCLUSIVE.filter((group) => group.some((name) => isOn(merged, name))));
    for (const [name, setting] of settings) {
      const inHidden = [...hidden].some((group) => group.includes(name));
      if (!inHidden && !merged.has(name)) merged.set(name, setting);
    }
  }
  return merged;
}

function rejectConflicts(settings: Settings): void {
  for (const group of EXCLUSIVE) {
    const [first, second] = group.filter((name) => isOn(settings, name));
    if (first === undefined || second === undefined) continue;
    throw new NetmemError(
      settings.get(first)!.layer === "flag" ? "NETMEM_USAGE" : "NETMEM_CONFIG",
      `${settings.get(first)!.origin} and ${settings.get(second)!.origin} exclude each other`,
      `Give one of ${group.map((name) => `--${name}`).join(", ")}.`,
    );
  }
}

function isOn(settings: Settings, name: FlagName): boolean {
  const setting = settings.get(name);
  if (setting === undefined) return false;
  return FLAGS[name].value !== "" || !["false", "off", "no", "0"].includes(setting.text);
}
