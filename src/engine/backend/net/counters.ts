import { readNetFile } from "./namespace.js";

/** TCP and IP counters of the namespace, by the kernel's names without a protocol in front. */
export type NetCounters = ReadonlyMap<string, number>;

/** Of IpExt, which mostly counts bytes by their kind, what tells of drops. */
const IP_EXT = "InCsumErrors";

/** Reads /proc/net/snmp and netstat; names of `Ip` counters keep `Ip` in front. */
export function readCounters(): NetCounters {
  const counters = new Map<string, number>();
  for (const file of ["snmp", "netstat"]) {
    const lines = readNetFile(file).trimEnd().split("\n");
    for (let i = 0; i + 1 < lines.length; i += 2) {
      const [group, ...names] = lines[i]!.split(" ");
      const values = lines[i + 1]!.split(" ").slice(1);
      if (group === "IpExt:") counters.set(`Ip${IP_EXT}`, Number(values[names.indexOf(IP_EXT)]));
      if (group !== "Tcp:" && group !== "TcpExt:" && group !== "Ip:") continue;
      names.forEach((name, k) => {
        const whole = group === "Ip:" ? `Ip${name}` : group === "Tcp:" ? `Tcp${name}` : name;
        counters.set(whole, Number(values[k]));
      });
    }
  }
  for (const line of readNetFile("snmp6").trimEnd().split("\n")) {
    const [name, value] = line.split(/\s+/);
    if (name!.startsWith("Ip6")) counters.set(name!, Number(value));
  }
  return counters;
}

/** What was counted between two readings; counters that stood still are left out. */
export function countedBetween(before: NetCounters, after: NetCounters): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const [name, value] of after) {
    const more = value - (before.get(name) ?? 0);
    if (more !== 0) counted[name] = more;
  }
  return counted;
}

/** TCP sockets in use in the namespace, timers and time-wait aside (/proc/net/sockstat). */
export function socketsInUse(): number {
  return [
    ["sockstat", /^TCP: inuse (\d+)/m] as const,
    ["sockstat6", /^TCP6: inuse (\d+)/m] as const,
  ]
    .map(([file, pattern]) => Number(pattern.exec(readNetFile(file))?.[1] ?? 0))
    .reduce((sum, count) => sum + count, 0);
}
