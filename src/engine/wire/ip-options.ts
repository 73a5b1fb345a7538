/**
 * What the network layer refuses in IPv4 options and IPv6 extension headers. Only packets that have
 * any come here.
 * Sources: net/ipv4/ip_options.c (__ip_options_compile), net/ipv4/ip_input.c (ip_rcv_options),
 * net/ipv6/exthdrs.c (ip6_parse_tlv, ipv6_hop_jumbo, ipv6_rthdr_rcv); RFC 791, RFC 2675, RFC 8200
 * sections 4.2 to 4.4.
 */

/** Answers of the functions below: taken, malformed or not allowed, or of a kind nobody knows. */
export const OPTIONS_TAKEN = 0;
export const OPTIONS_BAD = 1;
export const OPTIONS_UNKNOWN = 2;

const IPOPT_END = 0;
const IPOPT_NOOP = 1;
const IPOPT_RR = 7;
const IPOPT_TIMESTAMP = 68;
const IPOPT_LSRR = 131;
const IPOPT_SSRR = 137;
const IPOPT_RA = 148;
const IPOPT_TS_TSANDADDR = 1;
const IPOPT_TS_PRESPEC = 3;

/** IPv6 extension headers by protocol number. */
export const EXT_HOP_BY_HOP = 0;
export const EXT_ROUTING = 43;
export const EXT_FRAGMENT = 44;
export const EXT_DESTINATION = 60;

const TLV_PAD1 = 0;
const TLV_PADN = 1;
const TLV_ROUTER_ALERT = 5;
const TLV_IOAM = 0x31;
const TLV_JUMBO = 0xc2;
/** Routing headers of RPL and segment routing: refused where nobody enabled them, the default. */
const SRCRT_RPL = 3;
const SRCRT_SEGMENTS = 4;
/** Where a jumbo payload length must lie, of each four bytes (RFC 2675: 4n + 2). */
const JUMBO_ALIGNED = 2;
/** The longest payload of a packet that is no jumbogram. */
const IPV6_MAXPLEN = 65535;
/** The longest padding between two options. */
const MAX_PADDING = 7;
/** Options in one header: net.ipv6.max_hbh_opts_number and max_dst_opts_number. */
const MAX_TLVS = 8;

/**
 * The options of an IPv4 header from `at` to `end`. A source route is refused, as by any host whose
 * net.ipv4.conf.all.accept_source_route is off, the default.
 */
export function judgeIpv4Options(view: DataView, at: number, end: number): number {
  let seen = 0;
  let from = at;
  while (from < end) {
    const kind = view.getUint8(from);
    if (kind === IPOPT_END) return OPTIONS_TAKEN;
    if (kind === IPOPT_NOOP) {
      from++;
      continue;
    }
    const length = from + 1 < end ? view.getUint8(from + 1) : 0;
    if (length < 2 || from + length > end) return OPTIONS_BAD;
    if (kind === IPOPT_LSRR || kind === IPOPT_SSRR) return OPTIONS_BAD;
    if (kind === IPOPT_RA && length < 4) return OPTIONS_BAD;
    if (kind === IPOPT_RR || kind === IPOPT_TIMESTAMP) {
      const bit = kind === IPOPT_RR ? 1 : 2;
      if ((seen & bit) !== 0 || !hasPlace(view, from, kind, length)) return OPTIONS_BAD;
      seen |= bit;
    }
    from += length;
  }
  return OPTIONS_TAKEN;
}

/** Whether the pointer of a record route or timestamp option points at room, or behind its end. */
function hasPlace(view: DataView, at: number, kind: number, length: number): boolean {
  const stamps = kind === IPOPT_TIMESTAMP;
  if (length < (stamps ? 4 : 3)) return false;
  const pointer = view.getUint8(at + 2);
  if (pointer < (stamps ? 5 : 4)) return false;
  const flags = stamps ? view.getUint8(at + 3) : 0;
  const mode = flags & 15;
  if (pointer > length) return !stamps || mode === IPOPT_TS_PRESPEC || flags >>> 4 !== 15;
  const wide = stamps && (mode === IPOPT_TS_TSANDADDR || mode === IPOPT_TS_PRESPEC);
  return pointer + (wide ? 7 : 3) <= length;
}

/**
 * One IPv6 extension header at `at`, whole before `end`; `kind` is an EXT_ constant. A routing
 * header is passed over once all its segments are visited; no other is for a host, nor is one of
 * RPL or segment routing (ipv6_rpl_srh_rcv, ipv6_srh_rcv: net.ipv6.conf.*.seg6_enabled is 0).
 */
export function judgeExtension(view: DataView, kind: number, at: number, end: number): number {
  const stop = at + extensionBytes(view, at);
  if (stop > end) return OPTIONS_BAD;
  if (kind === EXT_ROUTING) {
    const type = view.getUint8(at + 2);
    const refused = type === SRCRT_RPL || type === SRCRT_SEGMENTS || view.getUint8(at + 3) !== 0;
    return refused ? OPTIONS_BAD : OPTIONS_TAKEN;
  }
  return judgeTlvs(view, kind, at + 2, stop);
}

/** Bytes behind the IPv6 header as a hop-by-hop header that was taken says (RFC 2675), or 0. */
export function jumboLength(view: DataView, at: number): number {
  const stop = at + extensionBytes(view, at);
  for (let from = at + 2; from < stop; ) {
    const type = view.getUint8(from);
    if (type === TLV_JUMBO) return view.getUint32(from + 2);
    from += type === TLV_PAD1 ? 1 : view.getUint8(from + 1) + 2;
  }
  return 0;
}

function judgeTlvs(view: DataView, kind: number, at: number, stop: number): number {
  let from = at;
  let padding = 0;
  let options = 0;
  while (from < stop) {
    const type = view.getUint8(from);
    const length = type === TLV_PAD1 ? 1 : from + 1 < stop ? view.getUint8(from + 1) + 2 : 0;
    if (length === 0 || from + length > stop) return OPTIONS_BAD;
    if (type === TLV_PAD1 || type === TLV_PADN) {
      padding += length;
      if (padding > MAX_PADDING) return OPTIONS_BAD;
      for (let i = 2; i < length; i++) if (view.getUint8(from + i) !== 0) return OPTIONS_BAD;
    } else {
      if (++options > MAX_TLVS) return OPTIONS_BAD;
      padding = 0;
      const hop = kind === EXT_HOP_BY_HOP;
      if (hop && type === TLV_ROUTER_ALERT) {
        if (length !== 4) return OPTIONS_BAD;
      } else if (hop && type === TLV_IOAM) {
        // ipv6_hop_ioam wants it in its place before it leaves it alone.
        if (((from - at + 2) & 3) !== 0) return OPTIONS_BAD;
      } else if (hop && type === TLV_JUMBO) {
        if (length !== 6 || !isJumbo(view, from, from - at + 2)) return OPTIONS_BAD;
      } else if (type >> 6 !== 0) return OPTIONS_UNKNOWN;
    }
    from += length;
  }
  return OPTIONS_TAKEN;
}

/** A jumbo payload length `offset` bytes into its header (ipv6_hop_jumbo). */
function isJumbo(view: DataView, at: number, offset: number): boolean {
  return (offset & 3) === JUMBO_ALIGNED && view.getUint32(at + 2) > IPV6_MAXPLEN;
}

/** Length of the IPv6 extension header at `at`, no fragment header (RFC 8200: Hdr Ext Len). */
export function extensionBytes(view: DataView, at: number): number {
  return (view.getUint8(at + 1) + 1) << 3;
}

/** IPv6 extension headers that are walked before a packet is given up. */
export const MAX_EXTENSION_HEADERS = 16;

/** Whether an IPv6 "next header" is an extension header that a receiver walks over. */
export function isExtensionHeader(next: number): boolean {
  return next === EXT_HOP_BY_HOP || next === EXT_ROUTING || next === EXT_DESTINATION;
}

/** Where the walk over an IP header, and what follows it, ends. */
export interface Walked {
  /** OPTIONS_TAKEN, or what is wrong with the first header that is refused. */
  readonly verdict: number;
  /** Protocol behind the headers, a fragment's included; -1 where the bytes end before. */
  readonly protocol: number;
}

/** Walks the headers of an IP packet that is to be dropped, from `l3`; its bytes end at `end`. */
export function walkHeaders(view: DataView, l3: number, end: number): Walked {
  if (view.getUint8(l3) >> 4 === 4) {
    const data = l3 + ((view.getUint8(l3) & 15) << 2);
    const whole = data >= l3 + 20 && data <= end;
    const verdict = whole ? judgeIpv4Options(view, l3 + 20, data) : OPTIONS_TAKEN;
    return { verdict, protocol: l3 + 20 <= end ? view.getUint8(l3 + 9) : -1 };
  }
  let next = l3 + 40 <= end ? view.getUint8(l3 + 6) : -1;
  let at = l3 + 40;
  for (let headers = 0; headers < MAX_EXTENSION_HEADERS; headers++) {
    const isFragment = next === EXT_FRAGMENT;
    const walked = isExtensionHeader(next) && (next !== EXT_HOP_BY_HOP || headers === 0);
    if (!isFragment && !walked) break;
    if (at + 8 > end) return { verdict: OPTIONS_TAKEN, protocol: -1 };
    const bytes = isFragment ? 8 : extensionBytes(view, at);
    if (at + bytes > end) return { verdict: OPTIONS_TAKEN, protocol: -1 };
    const verdict = isFragment ? OPTIONS_TAKEN : judgeExtension(view, next, at, end);
    if (verdict !== OPTIONS_TAKEN) return { verdict, protocol: next };
    // Two lengths: ipv6_hop_jumbo takes neither.
    const isHop = next === EXT_HOP_BY_HOP && view.getUint16(l3 + 4) !== 0;
    if (isHop && jumboLength(view, at) > 0) return { verdict: OPTIONS_BAD, protocol: next };
    next = view.getUint8(at);
    at += bytes;
  }
  return { verdict: OPTIONS_TAKEN, protocol: next };
}

const HANDLED = [1, 2, 17, 58, 59, 136];

/**
 * Whether a host has a handler for an IP protocol that is not TCP: ICMP, IGMP, UDP, ICMPv6,
 * UDP-Lite, and IPv6's "no next header" (inet_protos and inet6_protos without tunnels, SCTP or
 * IPsec). Here nobody listens behind one; the others are SKB_DROP_REASON_IP_NOPROTO.
 */
export function isHandledProtocol(protocol: number): boolean {
  return HANDLED.includes(protocol);
}
