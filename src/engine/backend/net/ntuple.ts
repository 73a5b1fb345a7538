import type { SteerRule } from "../../driver/steering.js";
import { ethtool } from "./ethtool.js";

/** include/uapi/linux/ethtool.h */
const ETHTOOL_GRXCLSRLCNT = 0x2e;
const ETHTOOL_GRXCLSRLALL = 0x30;
const ETHTOOL_SRXCLSRLDEL = 0x31;
const ETHTOOL_SRXCLSRLINS = 0x32;
const TCP_V4_FLOW = 0x01;
const TCP_V6_FLOW = 0x05;
/** struct ethtool_rxnfc: command, flow type, data, the rule, how many rules, their places. */
const RULE_AT = 16;
const COUNT_AT = 184;
const PLACES_AT = 188;
const RXNFC_BYTES = 192;
/** struct ethtool_rx_flow_spec, from RULE_AT on: what to match, which bits of it, queue, place. */
const VALUE_AT = RULE_AT + 4;
const MASK_AT = RULE_AT + 76;
const COOKIE_AT = RULE_AT + 152;
const PLACE_AT = RULE_AT + 160;

/** What an ntuple rule matches: addresses of one family, and ports. */
export type TcpFilter = Pick<SteerRule, "saddr" | "daddr" | "sport" | "dport"> & {
  readonly v6: boolean;
};

/**
 * The ntuple filters that together are some rules of `--steer`: one that names no address stands
 * for both families, one for either end for two filters.
 */
export function filtersOf(rules: readonly SteerRule[]): TcpFilter[] {
  return rules.flatMap((rule) => {
    const { addr, port, ...sides } = rule;
    const hosts = addr === undefined ? [{}] : [{ saddr: addr }, { daddr: addr }];
    const ports = port === undefined ? [{}] : [{ sport: port }, { dport: port }];
    return hosts.flatMap((host) =>
      ports.flatMap((end) => {
        const named = { ...sides, ...host, ...end };
        const lengths = [named.saddr, named.daddr].flatMap((one) => (one ? [one.length] : []));
        const families = [false, true].filter((v6) => lengths.every((n) => (n === 16) === v6));
        return families.map((v6) => ({ ...named, v6 }));
      }),
    );
  });
}

/** Adds a filter that sends its flows to a queue (`ethtool -N name`); answers its place. */
export function addFilter(name: string, filter: TcpFilter, queue: number): number {
  const used = new Set(places(name));
  let place = 0;
  while (used.has(place)) place++;
  ethtool(name, insertion(filter, queue, place), `ETHTOOL_SRXCLSRLINS ${name}`);
  return place;
}

/** Takes a filter away again. */
export function removeFilter(name: string, place: number): void {
  const request = Buffer.alloc(RXNFC_BYTES);
  request.writeUInt32LE(ETHTOOL_SRXCLSRLDEL, 0);
  request.writeUInt32LE(place, PLACE_AT);
  ethtool(name, request, `ETHTOOL_SRXCLSRLDEL ${name}`);
}

/** Places that rules have (`ethtool -n name`). */
function places(name: string): number[] {
  const size = Buffer.alloc(RXNFC_BYTES);
  size.writeUInt32LE(ETHTOOL_GRXCLSRLCNT, 0);
  ethtool(name, size, `ETHTOOL_GRXCLSRLCNT ${name}`);
  const count = size.readUInt32LE(COUNT_AT);
  const request = Buffer.alloc(RXNFC_BYTES + 4 * count);
  request.writeUInt32LE(ETHTOOL_GRXCLSRLALL, 0);
  request.writeUInt32LE(count, COUNT_AT);
  ethtool(name, request, `ETHTOOL_GRXCLSRLALL ${name}`);
  return Array.from({ length: count }, (_, i) => request.readUInt32LE(PLACES_AT + 4 * i));
}

/** struct ethtool_tcpip4_spec or ethtool_tcpip6_spec, in both halves: addresses, then ports. */
function insertion(filter: TcpFilter, queue: number, place: number): Buffer {
  const { v6, saddr, daddr, sport, dport } = filter;
  const request = Buffer.alloc(RXNFC_BYTES);
  const length = v6 ? 16 : 4;
  request.writeUInt32LE(ETHTOOL_SRXCLSRLINS, 0);
  request.writeUInt32LE(v6 ? TCP_V6_FLOW : TCP_V4_FLOW, RULE_AT);
  for (const [i, address] of [saddr, daddr].entries()) {
    if (address === undefined) continue;
    request.set(address, VALUE_AT + i * length);
    request.fill(0xff, MASK_AT + i * length, MASK_AT + (i + 1) * length);
  }
  for (const [i, port] of [sport, dport].entries()) {
    if (port === undefined) continue;
    request.writeUInt16BE(port, VALUE_AT + 2 * length + 2 * i);
    request.writeUInt16BE(0xffff, MASK_AT + 2 * length + 2 * i);
  }
  request.writeBigUInt64LE(BigInt(queue), COOKIE_AT);
  request.writeUInt32LE(place, PLACE_AT);
  return request;
}
