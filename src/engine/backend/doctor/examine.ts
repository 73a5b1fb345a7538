import { spawnSync } from "node:child_process";
import { koffi } from "../ffi/koffi.js";
import { enterFreshNamespace } from "../net/namespace.js";
import { dmabufRow, interfaceNames, interfaceRows } from "./interfaces.js";
import { MEMORY_PROBES } from "./memory.js";
import { NETWORK_PROBES } from "./network.js";
import { type DoctorRow, probed } from "./row.js";
import { XDP_PROBES } from "./xdp.js";

const NAMESPACE_PROBES = ["unshare", "-Urn", "true"] as const;

/**
 * Tries everything that a backend could want of this machine, each for real, in a process that
 * ends afterwards. The interfaces are asked first, without changing them; then a fresh network
 * namespace is entered, and what is made there goes with it.
 */
export function examine(hostNamespace: number): DoctorRow[] {
  const door = probed({
    capability: "koffi",
    remedy: "npm install --include=optional",
    run: () => `version ${koffi().version}`,
  });
  if (!door.available) return [door];
  const interfaces = interfaceNames().flatMap(interfaceRows);
  const userns = probed({
    capability: "userns",
    remedy: "sysctl user.max_user_namespaces=10000, or run as root",
    run() {
      const { status, stderr, error } = spawnSync(NAMESPACE_PROBES[0], NAMESPACE_PROBES.slice(1), {
        encoding: "utf8",
      });
      if (status === 0) return "unshare -Urn works";
      throw new Error(error?.message ?? stderr.trim().split("\n")[0] ?? "unshare -Urn failed");
    },
  });
  const netns = probed({
    capability: "netns",
    remedy: "run as root, or allow user namespaces",
    run() {
      enterFreshNamespace(hostNamespace);
      return "a network namespace was entered";
    },
  });
  const inside = netns.available ? [...NETWORK_PROBES, ...XDP_PROBES] : [];
  const rows = [...inside, ...MEMORY_PROBES].map(probed);
  return [door, userns, netns, ...rows, dmabufRow(), ...interfaces];
}
