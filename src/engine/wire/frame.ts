import {
  EXT_FRAGMENT,
  EXT_HOP_BY_HOP,
  extensionBytes,
  isExtensionHeader,
  judgeExtension,
  judgeIpv4Options,
  jumboLength,
  MAX_EXTENSION_HEADERS,
  OPTIONS_TAKEN,
} from "./ip-options.js";
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, Link } from "./link.js";

/** Frame kinds: what the NIC's parser makes of a frame. */
export const FRAME_TCP = 0;
/** An IP fragment, TCP or not; the stack joins them. */
export const FRAME_FRAGMENT = 1;
/** IP, but not TCP. */
export const FRAME_OTHER_IP = 2;
/** Not IP. */
export const FRAME_OTHER = 3;
/** Too short, or its IP or TCP lengths lie, or its IP options are refused. */
export const FRAME_BAD = 4;

/** Protocol number of TCP. */
export const IPPROTO_TCP = 6;

/**
 * One frame's meaning, overwritten from frame to frame. Addresses are arena byte offsets; numbers
 * that are unsigned on the wire are held as int32.
 *
 *      addr            l3           l4            payload       payload + payloadLen
 *      [ link headers ][ IP header ][ TCP header ][ payload ....][ padding ]
 *      |<------------ headerLen ---------------->|
 */
export class Frame {
  kind = FRAME_OTHER;
  /** 4, 6, or 0 for no IP. */
  version = 0;
  l3 = 0;
  l4 = 0;
  proto = 0;
  /** Bytes from the frame's start to the payload. */
  headerLen = 0;
  payload = 0;
  payloadLen = 0;
  /** Payload bytes that the sender sent and the capture does not hold. */
  cutBytes = 0;
  seq = 0;
  ack = 0;
  /** TCP flags, header byte 13. */
  flags = 0;
  window = 0;
  hasTimestamps = false;
  tsval = 0;
  tsecr = 0;
  /** IPv4 addresses; 0 for IPv6. */
  saddr = 0;
  daddr = 0;
  /** Source port << 16 | destination port. */
  ports = 0;
  /** Mix of VLAN tags and PPPoE session. */
  tags = 0;
  /** Fragments: offset of this one's data in bytes, whether more follow, identification. */
  fragOffset = 0;
  moreFragments = false;
  fragId = 0;
  /** Sum of the first ten 16-bit words of an IPv4 header, carries not yet added back. */
  ipSum = 0;
  readonly #link = new Link();

  /**
   * Parses the `captured` bytes at `addr`; `wire` is the frame's length on the wire. A TCP segment
   * whose payload the capture cut is kept with the bytes that are there.
   */
  parse(view: DataView, addr: number, captured: number, wire: number, linkType: number): void {
    const link = this.#link;
    link.parse(view, addr, captured, linkType);
    this.tags = link.tags;
    this.l3 = link.l3;
    this.cutBytes = 0;
    this.version = 0;
    const end = addr + captured;
    if (link.etherType === ETHERTYPE_IPV4) this.#ipv4(view, addr, end, addr + wire);
    else if (link.etherType === ETHERTYPE_IPV6) this.#ipv6(view, addr, end, addr + wire);
    else this.kind = link.etherType < 0 ? FRAME_BAD : FRAME_OTHER;
  }

  /** Parses a TCP segment that lies in one piece from `l4` to `end`; the IP fields stay. */
  parseSegment(view: DataView, l4: number, end: number): void {
    this.kind = FRAME_BAD;
    this.l4 = l4;
    this.#tcp(view, l4, end, end);
  }

  #ipv4(view: DataView, addr: number, end: number, wireEnd: number): void {
    const l3 = this.l3;
    this.kind = FRAME_BAD;
    if (l3 + 20 > end) return;
    const first = view.getInt32(l3);
    const id = view.getInt32(l3 + 4);
    const ttl = view.getInt32(l3 + 8);
    const saddr = view.getInt32(l3 + 12);
    const daddr = view.getInt32(l3 + 16);
    this.ipSum = halves(first) + halves(id) + halves(ttl) + halves(saddr) + halves(daddr);
    const headerBytes = ((first >>> 24) & 15) << 2;
    // A total length of 0 is a superpacket that its sender left to the NIC (BIG TCP, old TSO).
    const total = first & 0xffff || wireEnd - l3;
    if (first >>> 28 !== 4 || headerBytes < 20 || total < headerBytes || l3 + headerBytes > end)
      return;
    this.version = 4;
    const ipEnd = l3 + total;
    if (ipEnd > wireEnd) return;
    this.saddr = saddr;
    this.daddr = daddr;
    this.proto = (ttl >>> 16) & 0xff;
    this.l4 = l3 + headerBytes;
    if (headerBytes > 20 && judgeIpv4Options(view, l3 + 20, this.l4) !== OPTIONS_TAKEN) return;
    if ((id & 0x3fff) !== 0) {
      this.fragOffset = (id & 0x1fff) << 3;
      this.moreFragments = (id & 0x2000) !== 0;
      this.fragId = id >>> 16;
      this.#fragment(addr, this.l4, end, ipEnd);
    } else if (this.proto === IPPROTO_TCP) this.#tcp(view, addr, end, ipEnd);
    else this.kind = FRAME_OTHER_IP;
  }

  #ipv6(view: DataView, addr: number, end: number, wireEnd: number): void {
    const l3 = this.l3;
    this.kind = FRAME_BAD;
    if (l3 + 40 > end || view.getUint8(l3) >> 4 !== 6) return;
    this.version = 6;
    this.saddr = 0;
    this.daddr = 0;
    // A payload length of 0 is a jumbogram or a superpacket.
    const length = view.getUint16(l3 + 4);
    let ipEnd = l3 + 40 + (length || wireEnd - l3 - 40);
    if (ipEnd > wireEnd) return;
    let next = view.getUint8(l3 + 6);
    let at = l3 + 40;
    for (let headers = 0; headers < MAX_EXTENSION_HEADERS; headers++) {
      if (next === EXT_FRAGMENT) {
        if (at + 8 > end) return;
        const field = view.getUint16(at + 2);
        this.fragOffset = field & 0xfff8;
        this.moreFragments = (field & 1) !== 0;
        this.fragId = view.getInt32(at + 4);
        next = view.getUint8(at);
        at += 8;
        if ((field & 0xfff9) !== 0) {
          this.proto = next;
          this.l4 = at;
          this.#fragment(addr, at, end, ipEnd);
          return;
        }
      } else if (isExtensionHeader(next) && (next !== EXT_HOP_BY_HOP || headers === 0)) {
        if (at + 8 > end || judgeExtension(view, next, at, end) !== OPTIONS_TAKEN) return;
        const jumbo = next === EXT_HOP_BY_HOP ? jumboLength(view, at) : 0;
        if (jumbo > 0) {
          ipEnd = l3 + 40 + jumbo;
          if (length !== 0 || ipEnd > wireEnd) return;
        }
        next = view.getUint8(at);
        at += extensionBytes(view, at);
      } else break;
    }
    this.proto = next;
    this.l4 = at;
    if (at > ipEnd || at > end) return;
    if (next === IPPROTO_TCP) this.#tcp(view, addr, end, ipEnd);
    else this.kind = FRAME_OTHER_IP;
  }

  /** A fragment's data starts behind the IP headers; ports are not looked at. */
  #fragment(addr: number, data: number, end: number, ipEnd: number): void {
    const stop = ipEnd < end ? ipEnd : end;
    if (data > stop) return;
    this.ports = 0;
    this.payload = data;
    this.payloadLen = stop - data;
    this.cutBytes = ipEnd - stop;
    this.headerLen = data - addr;
    this.kind = FRAME_FRAGMENT;
  }

  #tcp(view: DataView, addr: number, end: number, ipEnd: number): void {
    const l4 = this.l4;
    if (l4 + 20 > end || l4 + 20 > ipEnd) return;
    const bits = view.getInt32(l4 + 12);
    const headerBytes = (bits >>> 28) << 2;
    const payload = l4 + headerBytes;
    if (headerBytes < 20 || payload > ipEnd || payload > end) return;
    this.ports = view.getInt32(l4);
    this.seq = view.getInt32(l4 + 4);
    this.ack = view.getInt32(l4 + 8);
    this.flags = (bits >>> 16) & 0xff;
    this.window = bits & 0xffff;
    this.payload = payload;
    const stop = ipEnd < end ? ipEnd : end;
    this.payloadLen = stop - payload;
    this.cutBytes = ipEnd - stop;
    this.headerLen = payload - addr;
    this.hasTimestamps = false;
    if (headerBytes === 32 && view.getInt32(l4 + 20) === 0x0101080a) {
      this.hasTimestamps = true;
      this.tsval = view.getInt32(l4 + 24);
      this.tsecr = view.getInt32(l4 + 28);
    } else if (headerBytes > 20) this.#timestamps(view, l4 + 20, payload);
    this.kind = FRAME_TCP;
  }

  /** Looks for a timestamps option (RFC 7323) among others. */
  #timestamps(view: DataView, from: number, to: number): void {
    let at = from;
    while (at < to) {
      const kind = view.getUint8(at);
      if (kind === 0) return;
      if (kind === 1) {
        at++;
        continue;
      }
      const length = at + 1 < to ? view.getUint8(at + 1) : 0;
      if (length < 2 || at + length > to) return;
      if (kind === 8 && length === 10) {
        this.hasTimestamps = true;
        this.tsval = view.getInt32(at + 2);
        this.tsecr = view.getInt32(at + 6);
        return;
      }
      at += length;
    }
  }
}

/** The two 16-bit halves of a word, added. */
function halves(word: number): number {
  return (word >>> 16) + (word & 0xffff);
}
